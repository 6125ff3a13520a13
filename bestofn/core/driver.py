"""The driver of one request: it asks the controller after each event, and does what it says.

    Streams (candidates, snapshots) --> Ledger <-- Scorer (rewards)
                     |                                |
                     +-----------> Driver <-----------+
                                    |  ^
                           Progress v  | Decision
                                  Controller

The driver decides nothing. It keeps the hard caps of the budget, though: starts beyond them are
clipped, and a controller that only asks for more is a fault of its request.
"""

from __future__ import annotations

import asyncio
import dataclasses
import logging
from collections.abc import Sequence

from bestofn.core.controller import WAIT, Budget, Decision, Progress, tokens_of
from bestofn.core.filtering import filtered
from bestofn.core.ledger import Ledger
from bestofn.core.no_winner import ControllerError, GeneratorError
from bestofn.core.observer import Observer
from bestofn.core.pipeline import Pipeline
from bestofn.core.ranking import ScoredCandidate
from bestofn.core.scoring import Scorer
from bestofn.core.streams import Streams
from bestofn.core.types import Candidate, Request, Score
from bestofn.core.wake import WakeUp

logger = logging.getLogger(__name__)

BUDGET = "budget"
"""The rule that stops a request whose tokens or seconds are used up."""


class Driver:
    """Samples and scores for one request until its controller wants nothing more.

    Args:
        request: what is asked.
        pipeline: what it is asked of.
        ledger: where everything is written down; what it holds already counts as finished.
        observer: told of what happens.
    """

    def __init__(
        self, request: Request, pipeline: Pipeline, ledger: Ledger, observer: Observer
    ) -> None:
        self._request = request
        self._pipeline = pipeline
        self._ledger = ledger
        self._observer = observer
        self._budget: Budget = pipeline.policy.budget_of(request)
        self._streams = Streams(pipeline.generator, request, self)
        self._scorer = Scorer(
            request,
            pipeline.reward_model,
            ledger.scored,
            on_snapshot=self._on_snapshot_score,
            on_change=self._touch,
            observer=observer,
            compares=pipeline.compares,
        )
        self._loop = asyncio.get_running_loop()
        self._done: asyncio.Future[None] = self._loop.create_future()
        self._due = False
        self._starts = True
        self._stopping: str | None = None
        self._wake_up = WakeUp(self._loop, self._decide)
        self._next_index = len(ledger.records)
        for record in ledger.kept:
            known = Score(record.reward, components=record.components, cut=record.cut)
            self._scorer.add(record.candidate, known)

    @property
    def reward_fault(self) -> str | None:
        """What the reward model said where it failed; None: it did not."""
        return next(iter(self._scorer.errors), None)

    async def sample(self) -> None:
        """Sample and score until the controller asks for nothing and nothing runs.

        Raises:
            RequestError: the request does not fit the engine.
            ControllerError: the controller raised, or would start candidates for ever.
        """
        await self._run()

    async def score(self, records: Sequence[ScoredCandidate]) -> None:
        """Score these too, with nothing sampled any more; a deadline holds here as well."""
        self._starts = False
        for record in records:
            self._scorer.add(record.candidate)
        await self._run()

    async def aclose(self) -> None:
        """Abort what runs, and wait until it has stopped."""
        self._wake_up.cancel()
        if not self._done.done():
            self._done.cancel()
        await self._streams.aclose()
        await self._scorer.aclose()

    async def _run(self) -> None:
        if self._done.done():
            self._done, self._stopping = self._loop.create_future(), None
        self._decide()
        await self._done
        if self._stopping is not None:
            await self._scorer.aclose()
            if self._pipeline.reward_model is not None:
                self._ledger.give_up_scoring(self._stopping)
        self._ledger.reward_tokens += self._scorer.tokens
        self._ledger.scoring_seconds += self._scorer.seconds
        self._scorer.tokens, self._scorer.seconds = 0, 0.0

    # What Streams and Scorer tell.

    def on_snapshot(self, candidate: Candidate) -> None:
        """See `Sink`."""
        self._observer.snapshot(self._request, candidate)
        self._touch()

    def on_finished(self, candidate: Candidate, aborted_by: str | None) -> None:
        """See `Sink`."""
        if aborted_by is not None:
            self._ledger.stopped(candidate, aborted_by)
        else:
            record = filtered(self._request, candidate, self._pipeline.filters)
            self._ledger.finished(record)
            if record.kept:
                self._scorer.add(candidate)
        self._touch()

    def on_missing(self, index: int, why: str) -> None:
        """See `Sink`."""
        self._ledger.missing(index, why)

    def on_wave_ended(self, indices: Sequence[int]) -> None:
        """See `Sink`."""
        self._ledger.wave_ended(indices)
        self._touch()

    def on_error(self, error: BaseException) -> None:
        """See `Sink`."""
        self._fail(error)

    def _on_snapshot_score(self, candidate: Candidate, score: Score) -> None:
        running = self._streams.running.get(candidate.index)
        if running is not None and score.reward is not None:
            self._streams.running[candidate.index] = dataclasses.replace(
                running, reward=score.reward, scored_at=candidate.completion_tokens or 0
            )

    def _touch(self) -> None:
        """Something happened: ask the controller, once for all that happens in this turn."""
        if not self._due:
            self._due = True
            self._loop.call_soon(self._decide)

    # Deciding, and doing what was decided.

    def _decide(self) -> None:
        self._due = False
        if self._done.done():
            return
        if self._scorer.fault is not None:
            self._fail(self._scorer.fault)
            return
        try:
            self._step()
        except Exception as error:  # whoever waits for the request raises it
            self._fail(error)

    def _step(self) -> None:
        if self._stopping is not None:
            if not self._streams.active:
                self._finish()
            return
        progress = self._progress()
        budget = self._budget
        if budget.seconds is not None or budget.tokens is not None:
            over_time = budget.seconds is not None and progress.elapsed >= budget.seconds
            if over_time or (budget.tokens is not None and progress.tokens >= budget.tokens):
                self._stop(BUDGET)
                return
        decision = self._asked(progress)
        if decision is not WAIT:
            self._do(decision, progress)
        if self._stopping is not None or self._streams.active or self._due:
            self._wake_at(decision.wake)
            return
        self._scorer.flush()
        if self._scorer.busy:
            self._wake_at(decision.wake)
        else:  # nothing can happen any more
            self._finish()

    def _progress(self) -> Progress:
        records, running = self._ledger.records, self._streams.running
        elapsed = self._ledger.elapsed
        tokens = 0 if self._budget.tokens is None else tokens_of(records, running)
        return Progress(
            request=self._request,
            finished=records,
            running=running,
            scoring=self._scorer.busy,
            waves=self._ledger.waves,
            rounds=self._ledger.rounds,
            elapsed=elapsed,
            spent=self._budget.spent(len(records) + len(running), tokens, elapsed),
        )

    def _asked(self, progress: Progress) -> Decision:
        policy = self._pipeline.policy
        try:
            decision = policy.decide(progress)
        except Exception as error:  # somebody's code: its request fails, the process goes on
            logger.error("a controller raised", exc_info=error)
            detail = f"the controller raised {type(error).__name__}: {error}"
            raise ControllerError(detail, self._ledger.ranking()) from error
        if not isinstance(decision, Decision):
            detail = f"the controller returned {type(decision).__name__}, which is no Decision"
            raise ControllerError(detail, self._ledger.ranking())
        return decision

    def _do(self, decision: Decision, progress: Progress) -> None:
        self._observer.decided(self._request, decision)
        self._ledger.notes += decision.notes
        if decision.stop is not None:
            self._stop(decision.stop)
            return
        for index, rule in decision.abort.items():
            self._streams.abort(index, rule)
        for index in decision.score:
            running = self._streams.running.get(index)
            if running is not None and running.latest is not None:
                self._scorer.add_snapshot(running.latest)
        if decision.start > 0 and self._starts:
            self._start(decision.start, progress)

    def _start(self, wanted: int, progress: Progress) -> None:
        count, cap = wanted, self._budget.candidates
        if cap is not None:
            count = min(wanted, cap - progress.sampled)
        if count < 1:
            if progress.idle and not self._streams.active:
                detail = (
                    f"the controller would start candidates for ever: {progress.sampled} were "
                    "sampled, which is the most for this request"
                )
                raise ControllerError(detail, self._ledger.ranking())
            return
        if progress.waves:
            logger.info("request %s: sampling %d more", self._request.id, count)
        indices = range(self._next_index, self._next_index + count)
        self._next_index += count
        self._ledger.wave_started(indices)
        try:
            self._streams.start(indices)
        except GeneratorError as error:
            logger.error("request %s: %s", self._request.id, error)
            for index in indices:
                self._ledger.missing(index, str(error))
            self.on_wave_ended(indices)
        except BaseException:
            self._ledger.wave_ended(indices)
            raise

    def _stop(self, rule: str) -> None:
        """End the request: what runs is aborted, and waited for no longer than its grace."""
        self._stopping = self._ledger.stopped_by = rule
        for index in [*self._streams.running]:
            self._streams.abort(index, rule)
        if not self._streams.active:
            self._finish()

    def _wake_at(self, elapsed: float | None) -> None:
        """Ask again then, or when the budget's seconds end, if nothing happens before."""
        cap = self._budget.seconds
        if cap is not None:
            elapsed = cap if elapsed is None else min(cap, elapsed)
        self._wake_up.set(elapsed, self._ledger.elapsed)

    def _finish(self) -> None:
        if not self._done.done():
            self._done.set_result(None)

    def _fail(self, error: BaseException) -> None:
        if not self._done.done():
            self._done.set_exception(error)
