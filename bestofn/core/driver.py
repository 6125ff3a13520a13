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
import logging
from collections.abc import Sequence

from bestofn.core.asking import decision_of
from bestofn.core.caps import BUDGET, Caps
from bestofn.core.checks import Checks
from bestofn.core.controller import WAIT, Decision, Progress
from bestofn.core.ledger import Ledger
from bestofn.core.no_winner import GeneratorError
from bestofn.core.observer import Observer
from bestofn.core.pipeline import Pipeline
from bestofn.core.ranking import ScoredCandidate
from bestofn.core.scoring import Scorer
from bestofn.core.snapshots import Snapshots
from bestofn.core.streams import Streams
from bestofn.core.types import Candidate, Request, Score
from bestofn.core.wake import WakeUp

logger = logging.getLogger(__name__)


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
        self._caps = Caps(request, pipeline.policy, pipeline.context)
        self._streams = Streams(pipeline.generator, pipeline.as_sampled(request), self)
        self._checks = Checks(request, pipeline.filtering, ledger, self._on_judged, self.on_error)
        self._scorer = Scorer(
            request,
            pipeline.reward_model,
            ledger.scored,
            on_snapshot=self._streams.on_score,
            on_change=self._touch,
            observer=observer,
            compares=pipeline.compares,
        )
        self._snapshots = Snapshots(pipeline, ledger, self._streams, self._scorer, self._touch)
        self._loop = asyncio.get_running_loop()
        self._done: asyncio.Future[None] = self._loop.create_future()
        self._due = False
        self._scoring_only = False
        self._told: Decision | None = None
        self._stopping: str | None = None
        self._wake_up = WakeUp(self._loop, self._decide)
        self._next_index = len(ledger.records)
        for record in ledger.kept:
            score = Score(record.reward, components=record.components, cut=record.cut)
            self._scorer.add(record.candidate, None if record.reward is None else score)

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
        """Score these too. No controller is asked any more; the deadline and the budget's seconds
        hold all the same, once something has its reward."""
        self._scoring_only = True
        for record in records:
            self._scorer.add(record.candidate)
        await self._run()

    def account_for_running(self, rule: str) -> None:
        """Write down what still runs as stopped by this rule, and what is not judged yet."""
        for index in [*self._streams.running]:
            self._ledger.stopped(self._streams.so_far(index), rule)
        for index in [*self._checks.running]:
            self._checks.abort(index, rule)

    async def aclose(self) -> None:
        """Abort what runs, and wait until it has stopped."""
        self._wake_up.cancel()
        if not self._done.done():
            self._done.cancel()
        self._streams.cancel()
        self._scorer.cancel()
        self._settle()
        await self._streams.aclose()
        await self._snapshots.aclose()
        await self._checks.aclose()
        await self._scorer.aclose()

    async def _run(self) -> None:
        if self._done.done():
            self._done, self._stopping = self._loop.create_future(), None
        self._decide()
        await self._done
        if self._stopping is not None:
            self.account_for_running(self._stopping)
            await self._scorer.aclose()
            if self._pipeline.reward_model is not None:
                self._ledger.give_up_scoring(self._stopping)
        self._settle()

    def _settle(self) -> None:
        """Write down what scoring has cost since the last time."""
        self._ledger.reward_tokens += self._scorer.tokens
        self._ledger.scoring_seconds += self._scorer.seconds
        self._scorer.tokens, self._scorer.seconds = 0, 0.0

    def on_snapshot(self, candidate: Candidate) -> None:
        """See `Sink`."""
        self._observer.snapshot(self._request, candidate)
        self._touch()

    def on_finished(self, candidate: Candidate, aborted_by: str | None) -> None:
        """See `Sink`."""
        rejection = self._snapshots.drop(candidate.index)
        if aborted_by is not None:
            self._ledger.stopped(candidate, aborted_by, rejection=rejection)
        else:
            self._checks.add(candidate)
        self._touch()

    def _on_judged(self, record: ScoredCandidate) -> None:
        self._ledger.finished(record)
        if blind := self._caps.blind_to(record):
            self._ledger.note(*blind)
        if record.kept:
            self._scorer.add(record.candidate)
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

    def _touch(self) -> None:
        """Something happened: ask the controller, once for all that happens in this turn."""
        if not self._due:
            self._due = True
            self._loop.call_soon(self._decide)

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
        if self._scoring_only:
            self._step_of_scoring()
            return
        progress = self._progress()
        if self._caps.used_up(progress):
            for index in [*self._streams.running]:
                self._ledger.stopped_by = BUDGET
                self._streams.abort(index, BUDGET)
            if self._caps.only_scores_are_late(progress):
                self._stop(BUDGET)
                return
        decision = decision_of(self._pipeline.policy, progress)
        if decision is not WAIT:
            self._do(decision, progress)
        if not (self._streams.active or self._checks.running or self._due):
            self._scorer.flush()
            if not self._scorer.busy:  # nothing can happen any more
                self._finish()
                return
        self._wake_up.set(self._caps.earliest(decision.wake, progress), self._ledger.elapsed)

    def _step_of_scoring(self) -> None:
        """Wait for the scores, past the time limit only while there is no reward at all."""
        self._scorer.flush()
        limit = self._caps.time_limit
        if not self._scorer.busy:
            self._finish()
        elif limit is not None and self._ledger.elapsed < limit[0]:
            self._wake_up.set(limit[0], self._ledger.elapsed)
        elif limit is not None and self._progress().rewards:
            self._stop(limit[1])

    def _progress(self) -> Progress:
        records, elapsed = self._ledger.records, self._ledger.elapsed
        running, judged = self._streams.running, self._checks.running
        running = {**running, **judged} if judged else running
        return Progress(
            request=self._request,
            finished=records,
            running=running,
            scoring=self._scorer.busy,
            waves=self._ledger.waves,
            rounds=self._ledger.rounds,
            elapsed=elapsed,
            spent=self._caps.spent(records, running, elapsed),
            round=self._ledger.round,
        )

    def _do(self, decision: Decision, progress: Progress) -> None:
        if decision != self._told:
            self._told = decision
            self._observer.decided(self._request, decision)
        self._ledger.note(*decision.notes)
        if decision.stop is not None:
            self._stop(decision.stop)
            return
        for index, rule in decision.abort.items():
            self._streams.abort(index, rule)
            self._checks.abort(index, rule)
        self._snapshots.judge(decision)
        if decision.start > 0:
            self._start(decision, progress)

    def _start(self, decision: Decision, progress: Progress) -> None:
        idle = progress.idle and not self._streams.active
        count = self._caps.allowed(decision.start, self._next_index, idle=idle)
        if count < 1:
            self._ledger.stopped_by = BUDGET
            return
        if progress.waves:
            logger.info("request %s: sampling %d more", self._request.id, count)
        self._ledger.round_begins(self._caps.fitted(decision.round, self._ledger.prompt_tokens))
        indices = range(self._next_index, self._next_index + count)
        self._next_index += count
        self._ledger.wave_started(indices)
        try:
            self._streams.start(indices, self._ledger.round.max_tokens)
        except GeneratorError as error:
            logger.error("request %s: %s", self._request.id, error)
            for index in indices:
                self._ledger.missing(index, str(error))
            self.on_wave_ended(indices)
        except BaseException:
            self._ledger.wave_ended(indices)
            raise

    def _stop(self, rule: str) -> None:
        """End sampling and scoring: what runs is aborted, and has its grace to come back."""
        self._stopping = self._ledger.stopped_by = rule
        for index in [*self._streams.running]:
            self._streams.abort(index, rule)
        if not self._streams.active:
            self._finish()

    def _finish(self) -> None:
        if not self._done.done():
            self._done.set_result(None)

    def _fail(self, error: BaseException) -> None:
        if isinstance(error, StopIteration):  # a future cannot carry it
            error = RuntimeError(f"StopIteration: {error}")
        if not self._done.done():
            self._done.set_exception(error)
