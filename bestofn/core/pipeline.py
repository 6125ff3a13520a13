"""Owns the one path from a request to a ranking: `best_of_n`.

Serving, the command line and dataset runs all call it; nobody writes a second one.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import logging
import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field

from bestofn.control.deadline import Deadline
from bestofn.control.policy import Policy
from bestofn.core.no_winner import GeneratorError, RewardError, no_winner_error
from bestofn.core.protocols import Filter, Generator, RewardModel, Sampling, Selector
from bestofn.core.ranking import Ranking, ScoredCandidate, Timings, Usage
from bestofn.core.scoring import Scorer
from bestofn.core.types import Candidate, Failure, Rejection, Request, Score

logger = logging.getLogger(__name__)

Observer = Callable[[ScoredCandidate], None]
"""Called whenever more is known of a candidate: once filtered, and again once scored."""


@dataclass(frozen=True, slots=True)
class Pipeline:
    """What `best_of_n` runs with.

    Args:
        generator: samples the candidates.
        filters: every candidate passes all of them, in this order; all rejections are kept.
        reward_model: scores the accepted; None only filters, and then nothing gets a rank.
        selector: orders the scored.
        policy: what happens when nothing is acceptable.
    """

    generator: Generator
    selector: Selector
    filters: Sequence[Filter] = ()
    reward_model: RewardModel | None = None
    policy: Policy = field(default_factory=Policy)


async def best_of_n(
    request: Request,
    pipeline: Pipeline,
    *,
    observer: Observer | None = None,
    earlier: Ranking | None = None,
) -> Ranking:
    """Sample `request.best_of` candidates, filter each the moment it finishes, score the accepted
    while others still run, and rank them.

    Identical candidates are scored once. Temperature 0 samples once and says so in the notes.
    Where nothing is acceptable `pipeline.policy` decides. Cancelling the call aborts every
    candidate that still runs.

    Args:
        request: what is asked.
        pipeline: what it is asked of.
        observer: told of every candidate.
        earlier: a ranking of the same request with fewer candidates, by the same pipeline: only
            those are sampled that are missing to `request.best_of`, and all are ranked together.
            Rounds, tokens and seconds count on.

    Returns:
        A `Ranking` that holds every sampled candidate as accepted, rejected or failed.

    Raises:
        RequestError: the request does not fit the engine.
        GeneratorError: every candidate failed, or the engine is gone.
        RewardError: candidates were acceptable, and the reward model failed on all of them.
        NothingAcceptableError: nothing was acceptable, and the policy found no fallback.
        DeadlineError: the policy's deadline came first.
    """
    return await _Run(request, pipeline, observer, earlier).execute()


class _Run:
    """The state of one `best_of_n` call."""

    def __init__(
        self,
        request: Request,
        pipeline: Pipeline,
        observer: Observer | None,
        earlier: Ranking | None,
    ) -> None:
        self._request = request
        self._pipeline = pipeline
        self._observer = observer
        self._records: dict[int, ScoredCandidate] = {}
        spent = Timings() if earlier is None else earlier.timings
        self._started = time.perf_counter() - spent.total
        self._first_candidate = spent.first_candidate
        self._sampling = spent.sampling
        self._scoring = spent.scoring
        self._selection = spent.selection
        self._reward_tokens = 0 if earlier is None else earlier.usage.reward_tokens
        self._rounds = 0 if earlier is None else earlier.rounds
        self._notes: list[str] = [] if earlier is None else [*earlier.notes]
        self._scorer = Scorer(request, pipeline.reward_model, self._on_score)
        self._deadline = Deadline(pipeline.policy.deadline_seconds)
        self._rewarded = asyncio.Event()
        for record in () if earlier is None else earlier.candidates:
            self._recall(record)

    def _recall(self, record: ScoredCandidate) -> None:
        """A candidate of before: as it was filtered and scored, unless it was a fallback."""
        if not record.accepted:
            record = dataclasses.replace(record, reward=None, components={}, cut=0)
        else:
            known = Score(record.reward, components=record.components, cut=record.cut)
            self._scorer.add(record.candidate, known)
        self._records[record.index] = dataclasses.replace(record, rank=None)

    async def execute(self) -> Ranking:
        try:
            await self._sample_rounds()
            if accepted := [c for c in self._records.values() if c.accepted]:
                return self._ranking(accepted, fallback=None)
            return await self._exhausted()
        finally:
            await self._scorer.aclose()

    async def _sample_rounds(self) -> None:
        count = self._request.best_of - len(self._records)
        if count < 1:
            await self._score_rest()
            return
        if self._request.temperature == 0 and count > 1:
            self._notes.append(
                f"temperature 0 makes all candidates equal: sampled 1 instead of {count}"
            )
            count = 1
        while True:
            begin = len(self._records)
            await self._round(range(begin, begin + count))
            self._rounds += 1
            if not self._wants_another_round():
                return
            logger.info("request %s: nothing acceptable, sampling again", self._request.id)

    def _wants_another_round(self) -> bool:
        policy = self._pipeline.policy
        records = self._records.values()
        if self._deadline.reached:
            return False
        if policy.on_exhausted != "resample" or self._rounds >= policy.max_rounds:
            return False
        if self._request.temperature == 0 or any(c.accepted for c in records):
            return False
        if self._reward_model_failed() or not any(c.rejections for c in records):
            return False  # faults: another round would meet them again
        tokens = sum(c.candidate.counted_tokens for c in records)
        if policy.max_resample_tokens is not None and tokens >= policy.max_resample_tokens:
            return False
        elapsed = time.perf_counter() - self._started
        return policy.max_resample_seconds is None or elapsed < policy.max_resample_seconds

    async def _round(self, indices: Sequence[int]) -> None:
        started = time.perf_counter()
        why_missing = "the engine returned no candidate"
        try:
            async with _closing(
                self._pipeline.generator.sample(self._request, indices)
            ) as sampling:
                async for candidate in self._deadline.arrivals(sampling, indices):
                    if candidate.finish_reason is not None:
                        self._on_candidate(candidate, indices)
        except GeneratorError as error:  # what came before it is still worth ranking
            logger.error("request %s: %s", self._request.id, error)
            why_missing = str(error)
        self._sampling += time.perf_counter() - started
        for index in indices:
            if index not in self._records:
                nothing = Candidate(index, {"role": "assistant", "content": None}, "error")
                missing = _failed(nothing, "generation_error", why_missing)
                self._put(_stopped(nothing) if self._deadline.reached else missing)
        await self._score_rest()

    async def _score_rest(self) -> None:
        """Wait for the scores; at the deadline what has none by then is given up."""
        if await self._deadline.wait(self._scorer.drain(), self._rewarded):
            return
        await self._scorer.aclose()
        unscored = Failure("deadline", "not scored at the deadline")
        for record in list(self._records.values()):
            if record.accepted and record.reward is None:
                self._put(dataclasses.replace(record, failure=unscored))

    def _on_candidate(self, candidate: Candidate, indices: Sequence[int]) -> None:
        if candidate.index in self._records or candidate.index not in indices:
            raise GeneratorError(
                f"the engine returned candidate {candidate.index}, which was not asked for or came "
                "twice"
            )
        self._first_candidate = self._first_candidate or time.perf_counter() - self._started
        record = self._filter(candidate)
        self._put(record)
        if record.accepted:
            self._scorer.add(candidate)

    def _filter(self, candidate: Candidate) -> ScoredCandidate:
        if candidate.error is not None:
            return _failed(candidate, "generation_error", candidate.error)
        if self._deadline.reached and candidate.finish_reason == "abort":
            return _stopped(candidate)
        rejections: list[Rejection] = []
        failure: Failure | None = None
        for each in self._pipeline.filters:
            try:
                rejection = each.check(self._request, candidate)
            except Exception as error:  # a user's code: recorded on the candidate, never lost
                logger.warning("filter %s raised", each.name, exc_info=error)
                detail = f"the filter {each.name} raised {type(error).__name__}: {error}"
                failure = Failure("filter_error", detail)
                continue
            if rejection is not None:
                rejections.append(rejection)
        return ScoredCandidate(candidate, tuple(rejections), failure)

    def _on_score(self, indices: Sequence[int], score: Score) -> None:
        if score.reward is not None:
            self._rewarded.set()
        for index in indices:
            self._put(
                dataclasses.replace(
                    self._records[index],
                    reward=score.reward,
                    failure=score.failure,
                    components=score.components,
                    cut=score.cut,
                )
            )

    def _put(self, record: ScoredCandidate) -> None:
        self._records[record.index] = record
        if self._observer is not None:
            self._observer(record)

    async def _exhausted(self) -> Ranking:
        """Nothing was acceptable: the policy's fallback, or the error that says why."""
        records = list(self._records.values())
        usable = [c for c in records if c.failure is None and _has_answer(c.candidate)]
        wanted = self._pipeline.policy.on_exhausted != "error" and not self._reward_model_failed()
        if wanted and usable and self._pipeline.reward_model is not None:
            for record in usable:
                self._scorer.add(record.candidate)
            await self._score_rest()
            scored = [self._records[c.index] for c in usable]
            if ranked := [c for c in scored if c.reward is not None]:
                return self._ranking(ranked, fallback="best_rejected")
        raise no_winner_error(
            self._unranked(),
            reward_fault=self._scorer.errors[0] if self._reward_model_failed() else None,
            deadline=self._pipeline.policy.deadline_seconds,
        )

    def _reward_model_failed(self) -> bool:
        """Whether something would be acceptable, had the reward model not failed on it."""
        return bool(self._scorer.errors) and any(
            not c.rejections and c.failure is not None and c.failure.reason == "reward_error"
            for c in self._records.values()
        )

    def _ranking(self, eligible: Sequence[ScoredCandidate], *, fallback: str | None) -> Ranking:
        if self._pipeline.reward_model is None:
            return dataclasses.replace(self._unranked(), fallback=fallback)
        started = time.perf_counter()
        order = self._pipeline.selector.select(self._request, eligible)
        self._selection += time.perf_counter() - started
        if sorted(c.index for c in order) != sorted(c.index for c in eligible):
            raise RewardError("the selector lost or invented candidates", self._unranked())
        for rank, record in enumerate(order, start=1):
            self._records[record.index] = dataclasses.replace(record, rank=rank)
        return dataclasses.replace(self._unranked(), fallback=fallback)

    def _unranked(self) -> Ranking:
        """Everything that is known now, ranked candidates first, then by index."""
        records = sorted(
            self._records.values(), key=lambda c: (c.rank is None, c.rank or 0, c.index)
        )
        return Ranking(
            request=self._request,
            candidates=tuple(records),
            rounds=self._rounds,
            usage=Usage(
                prompt_tokens=max((c.candidate.prompt_tokens or 0 for c in records), default=0),
                completion_tokens=sum(c.candidate.counted_tokens for c in records),
                reward_tokens=self._reward_tokens + self._scorer.tokens,
            ),
            timings=Timings(
                total=time.perf_counter() - self._started,
                first_candidate=self._first_candidate,
                sampling=self._sampling,
                scoring=self._scoring + self._scorer.seconds,
                selection=self._selection,
            ),
            deadline_reached=self._deadline.reached,
            notes=tuple(self._notes),
        )


def _failed(candidate: Candidate, reason: str, detail: str) -> ScoredCandidate:
    return ScoredCandidate(candidate, failure=Failure(reason, detail))


def _stopped(candidate: Candidate) -> ScoredCandidate:
    return _failed(candidate, "deadline", "not finished at the deadline")


def _has_answer(candidate: Candidate) -> bool:
    return bool(candidate.text.strip() or candidate.message.get("tool_calls"))


@contextlib.asynccontextmanager
async def _closing(sampling: Sampling) -> AsyncIterator[Sampling]:
    try:
        yield sampling
    finally:
        await sampling.aclose()
