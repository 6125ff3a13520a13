"""`best_of_n`: the one path from a request to a ranking.

Serving, the command line, dataset runs, Ray actors and replay all call it. Its parts:

    Pipeline    what it runs with: generator, filters, reward model, selector, policy
    Driver      samples, filters and scores, as the policy's controller decides
    Ledger      holds every candidate, and makes the `Ranking`

    async with open_pipeline() as pipeline:
        ranking = await best_of_n(Request.from_prompt("What is 8 - 5?", best_of=16), pipeline)
        print(ranking.winner.text)
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from bestofn.core.driver import Driver
from bestofn.core.errors import BestOfNError, RequestError
from bestofn.core.ledger import Ledger
from bestofn.core.no_winner import ControllerError, RewardError, no_winner_error
from bestofn.core.observer import SILENT, CandidateObserver, Observer
from bestofn.core.pipeline import Pipeline
from bestofn.core.protocols import Selector
from bestofn.core.ranking import Ranking, ScoredCandidate, Selection
from bestofn.core.types import Candidate, Request

logger = logging.getLogger(__name__)

CONTROLLER_ERROR = "controller_error"
"""The rule that stops what runs when the controller itself fails."""


async def best_of_n(
    request: Request,
    pipeline: Pipeline,
    *,
    observer: Observer | Callable[[ScoredCandidate], None] | None = None,
    earlier: Ranking | None = None,
) -> Ranking:
    """Sample candidates as `pipeline.policy` decides, filter each the moment it finishes, score
    what is kept while others still run, and rank.

    Identical candidates are scored once. Candidates that filters only suspect stand behind the
    accepted; where nothing was accepted they are ranked as if nobody suspected them. Where nothing
    is kept `pipeline.policy` decides. Cancelling the call aborts every candidate that still runs.

    Args:
        request: what is asked.
        pipeline: what it is asked of.
        observer: told of what happens; a plain function is told of every candidate, whenever more
            is known of it: once filtered, and again once scored.
        earlier: a ranking of the same request with fewer candidates, by the same pipeline: only
            those are sampled that are missing to `request.best_of`, and all are ranked together.
            In the result rounds, tokens and seconds count on; limits of time begin anew.

    Returns:
        A `Ranking` that holds every sampled candidate as accepted, suspected, rejected, stopped or
        failed.

    Raises:
        RequestError: the request does not fit the engine, the reward model cannot be shown its
            conversation, or a filter cannot judge by it.
        GeneratorError: every candidate failed, or the engine is gone.
        RewardError: candidates were acceptable, and the reward model failed on all of them.
        NothingAcceptableError: nothing was acceptable, and the policy found no fallback.
        DeadlineError: the policy's deadline came first.
        ControllerError: a controller raised, or would have started candidates for ever.
    """
    if pipeline.refusing is not None and (why := await pipeline.refusing.refusal(request)):
        raise RequestError(f"the reward model cannot judge this conversation: {why}")
    if pipeline.filtering.refusing and (why := await pipeline.filtering.refusal(request)):
        raise RequestError(why)
    if pipeline.sources != request.sources:
        request = replace(request, sources=pipeline.sources)
    if observer is None:
        observer = SILENT
    elif not isinstance(observer, Observer):
        observer = CandidateObserver(observer)
    ledger = Ledger(request, observer, earlier)
    ledger.note(*pipeline.without_effect(request))
    for sentence in () if pipeline.noting is None else pipeline.noting.notes_on(request):
        ledger.note(sentence)
    if pipeline.lacks_snapshots:
        ledger.note("nothing is stopped in mid-decode: the generator sends no snapshots")
    driver = Driver(request, pipeline, ledger, observer)
    try:
        await driver.sample()
        if kept := ledger.kept:
            ranking = await _ranked(request, pipeline, ledger, observer, kept)
        else:
            ranking = await _fallback(request, pipeline, ledger, observer, driver)
        pipeline.policy.learn(ranking if earlier is None else _scored_since(earlier, ranking))
        observer.selected(request, ranking)
        return ranking
    except ControllerError as error:
        driver.account_for_running(CONTROLLER_ERROR)
        await driver.aclose()
        raise ControllerError(error.message, ledger.ranking()) from error.__cause__
    finally:
        await driver.aclose()
        observer.ended(request)


def _scored_since(earlier: Ranking, ranking: Ranking) -> Ranking:
    """The ranking without the candidates whose scores were learnt with the earlier one."""
    learnt = {each.index for each in earlier.candidates if each.accepted}
    return replace(
        ranking, candidates=tuple(c for c in ranking.candidates if c.index not in learnt)
    )


async def _fallback(
    request: Request, pipeline: Pipeline, ledger: Ledger, observer: Observer, driver: Driver
) -> Ranking:
    """Nothing was acceptable: the best of the rejected, or the error that says why."""
    usable = [c for c in ledger.records.values() if c.failure is None and _has_answer(c.candidate)]
    if usable and pipeline.policy.returns_rejected and not ledger.reward_model_failed:
        await driver.score(usable)
        scored = [ledger.records[each.index] for each in usable]
        if eligible := _eligible(scored, pipeline):
            return await _ranked(
                request, pipeline, ledger, observer, eligible, fallback="best_rejected"
            )
    raise no_winner_error(
        ledger.ranking(),
        reward_fault=driver.reward_fault if ledger.reward_model_failed else None,
        deadline=pipeline.policy.deadline_seconds,
    )


async def _ranked(
    request: Request,
    pipeline: Pipeline,
    ledger: Ledger,
    observer: Observer,
    candidates: Sequence[ScoredCandidate],
    *,
    fallback: str | None = None,
) -> Ranking:
    """The ranking of these: the accepted first, then the others; none where nothing can order."""
    if pipeline.selector.needs_rewards and pipeline.reward_model is None:
        return ledger.ranking(fallback=fallback)
    started = time.perf_counter()
    groups: tuple[list[ScoredCandidate], list[ScoredCandidate]] = ([], [])
    for each in candidates:
        groups[bool(each.rejections)].append(each)
    selections: list[Selection] = []
    for group in groups:
        if group:
            observer.selecting(request, len(group))
            selection = await _selected(pipeline.selector, request, group, ledger)
            if sorted(selection.order) != sorted(each.index for each in group):
                raise RewardError("the selector lost or invented candidates", ledger.ranking())
            selections.append(selection)
    ledger.rank(selections, time.perf_counter() - started)
    return ledger.ranking(selections, fallback=fallback)


async def _selected(
    selector: Selector, request: Request, group: Sequence[ScoredCandidate], ledger: Ledger
) -> Selection:
    """What the selector makes of a group.

    Raises:
        RewardError: it raised what is none of this package's errors.
    """
    try:
        return await selector.select(request, group)
    except BestOfNError:
        raise
    except Exception as error:  # somebody's code: its request fails, and loses nothing
        logger.error("the selector raised", exc_info=error)
        said = f"the selector raised {type(error).__name__}: {error}"
        raise RewardError(said, ledger.ranking()) from error


def _eligible(
    candidates: Sequence[ScoredCandidate], pipeline: Pipeline
) -> Sequence[ScoredCandidate]:
    """Those that the selector can order."""
    if pipeline.reward_model is None:
        return () if pipeline.selector.needs_rewards else candidates
    return [each for each in candidates if each.reward is not None]


def _has_answer(candidate: Candidate) -> bool:
    return bool(candidate.text.strip() or candidate.message.get("tool_calls"))
