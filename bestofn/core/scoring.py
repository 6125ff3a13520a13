"""Scoring within one request: candidates go in one by one, scores come out once for each."""

from __future__ import annotations

import asyncio
import json
import logging
import math
import time
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass

from bestofn.core.no_winner import RewardError
from bestofn.core.observer import SILENT, Observer
from bestofn.core.protocols import Comparing, RewardModel
from bestofn.core.types import REWARD_ERROR, Candidate, Failure, Request, Score

logger = logging.getLogger(__name__)

OnScore = Callable[[Sequence[int], Score], None]
"""Called with a score and the indices of all candidates that it is of: those that read the same.
Again for a copy that comes later, and where a reward model that compares has changed it."""

OnSnapshotScore = Callable[[Candidate, Score], None]
"""Called with a snapshot and its score."""


@dataclass(frozen=True, slots=True)
class _Waiting:
    """What waits for the reward model; `key` is None for a snapshot."""

    key: Hashable
    candidate: Candidate


class Scorer:
    """Sends candidates to the reward model as they come: whenever it is free, all that wait.

    A reward model that compares is called when `flush` or `drain` is, with every candidate that
    was added and has not failed, so that a candidate's score may change after more were added; it
    scores no snapshots. Candidates that read the same are scored once. A call that fails, or a
    reward that is not a finite number, becomes a `Failure` of its candidates.

    Args:
        request: whose candidates they are.
        reward_model: None accepts candidates and scores nothing.
        on_score: told of each score as it is known.
        on_snapshot: told of each score of a snapshot.
        on_change: called whenever a call has ended, and its scores were told.
        observer: told of each call.
        compares: whether the reward model does; None: it is asked.

    Attributes:
        errors: what the reward model raised, a sentence each.
        tokens: what it computed.
        seconds: during which it was called.
        fault: what a callback raised; then nothing is scored any more.
    """

    def __init__(
        self,
        request: Request,
        reward_model: RewardModel | None,
        on_score: OnScore,
        *,
        on_snapshot: OnSnapshotScore = lambda candidate, score: None,
        on_change: Callable[[], None] = lambda: None,
        observer: Observer = SILENT,
        compares: bool | None = None,
    ) -> None:
        self._request = request
        self._reward_model = reward_model
        if compares is None:
            compares = isinstance(reward_model, Comparing) and reward_model.compares
        self._compares = compares
        self._on_score = on_score
        self._on_snapshot = on_snapshot
        self._on_change = on_change
        self._observer = observer
        self._copies: dict[Hashable, list[int]] = {}
        self._known: dict[Hashable, Score] = {}
        self._waiting: list[_Waiting] = []
        self._snapshots: dict[int, Candidate] = {}
        self._sent: dict[int, int | None] = {}
        self._compared: list[_Waiting] = []
        self._worker: asyncio.Task[None] | None = None
        self._calling = False
        self.errors: list[str] = []
        self.tokens = 0
        self.seconds = 0.0
        self.fault: BaseException | None = None

    @property
    def busy(self) -> bool:
        """Whether a candidate waits for its score."""
        return self._calling or bool(self._waiting or self._snapshots)

    def add(self, candidate: Candidate, known: Score | None = None) -> None:
        """Score `candidate` soon; returns at once.

        Args:
            candidate: one that was not added.
            known: its score, where it has one; only a reward model that compares is asked again.
        """
        if self._reward_model is None:
            return
        key = _reads_as(candidate)
        copies = self._copies.setdefault(key, [])
        copies.append(candidate.index)
        if known is not None and not self._compares:
            self._known[key] = known
            return
        if key in self._known:
            self._on_score([candidate.index], self._known[key])
        elif len(copies) == 1:
            self._waiting.append(_Waiting(key, candidate))
            if not self._compares:
                self._start(self._reward_model)

    def add_snapshot(self, candidate: Candidate) -> None:
        """Score an unfinished candidate soon, as far as it has come; returns at once.

        Of each candidate no more than one snapshot waits, the newest, and none is scored twice.
        """
        if self._reward_model is None or self._compares:
            return
        if self._sent.get(candidate.index, -1) == candidate.completion_tokens:
            return
        self._snapshots[candidate.index] = candidate
        self._start(self._reward_model)

    def drop_snapshot(self, index: int) -> None:
        """Its candidate has finished: the snapshot that waits, if one does, is not scored."""
        self._snapshots.pop(index, None)

    def flush(self) -> None:
        """Start on what waits: no more candidates come for now."""
        if self._waiting and self._reward_model is not None:
            self._start(self._reward_model)

    def cancel(self) -> None:
        """Let the call that runs stop; what was not scored stays unscored."""
        self._waiting, self._snapshots = [], {}
        if self._worker is not None:
            self._worker.cancel()

    async def aclose(self) -> None:
        """Stop, and wait until the call that runs has; what was not scored stays unscored."""
        self.cancel()
        if self._worker is not None and not self._worker.done():
            await asyncio.wait([self._worker])

    def _start(self, reward_model: RewardModel) -> None:
        if self._worker is None or self._worker.done():
            self._calling = True
            self._worker = asyncio.create_task(self._work(reward_model))
            self._worker.add_done_callback(self._on_end)

    def _on_end(self, worker: asyncio.Task[None]) -> None:
        self._calling = False
        if not worker.cancelled() and (fault := worker.exception()) is not None:
            self.fault = fault
            self._on_change()

    async def _work(self, reward_model: RewardModel) -> None:
        while self._waiting or self._snapshots:
            self._calling = True
            batch = [*self._compared, *self._waiting]
            batch += [_Waiting(None, each) for each in self._snapshots.values()]
            self._sent |= {i: each.completion_tokens for i, each in self._snapshots.items()}
            self._waiting, self._snapshots = [], {}
            errors = len(self.errors)
            scores = await self._call(reward_model, [each.candidate for each in batch])
            # Where the call as a whole failed, what an earlier one compared stays as it was.
            stands = self._compared if len(self.errors) > errors else []
            batch, scores = batch[len(stands) :], scores[len(stands) :]
            for each, score in zip(batch, scores, strict=True):
                self.tokens += score.tokens
                if each.key is None:
                    self._on_snapshot(each.candidate, score)
                    continue
                self._known[each.key] = score
                self._on_score(self._copies[each.key], score)
            if self._compares:
                compared = zip(batch, scores, strict=True)
                self._compared = [*stands, *(e for e, score in compared if score.failure is None)]
            self._calling = False
            self._on_change()

    async def _call(
        self, reward_model: RewardModel, candidates: Sequence[Candidate]
    ) -> Sequence[Score]:
        count = len(candidates)
        self._observer.score_started(self._request, count)
        started = time.perf_counter()
        try:
            scores = await reward_model.score(self._request, candidates)
            if len(scores) != count:
                raise RewardError(
                    f"the reward model returned {len(scores)} scores for {count} candidates"
                )
        except (Exception, asyncio.CancelledError) as error:
            if (task := asyncio.current_task()) is not None and task.cancelling():
                raise  # it is this call that is cancelled
            # A user's code, whatever it raises: recorded on its candidates, never lost.
            logger.warning("the reward model raised", exc_info=error)
            known = isinstance(error, RewardError)
            detail = str(error) if known else f"{type(error).__name__}: {error}"
            self.errors.append(detail)
            return [Score(None, failure=Failure(REWARD_ERROR, detail))] * count
        finally:
            seconds = time.perf_counter() - started
            self.seconds += seconds
            self._observer.score_ended(self._request, count, seconds)
        return [_checked(score) for score in scores]


def _checked(score: Score) -> Score:
    """The score itself; with a `Failure` where it has neither a finite reward nor a reason."""
    reward = score.reward
    if score.failure is not None or (reward is not None and math.isfinite(reward)):
        return score
    tokens, components, cut = score.tokens, score.components, score.cut
    return Score.of(reward, tokens=tokens, components=components, cut=cut)


def _reads_as(candidate: Candidate) -> Hashable:
    """Equal for candidates that a reward model cannot tell apart."""
    message = candidate.message
    text, role = message.get("content"), message.get("role")
    if len(message) == 2 and isinstance(text, str) and isinstance(role, str):
        return text, role, candidate.ended  # what nearly all are
    return json.dumps([candidate.message, candidate.ended], sort_keys=True, default=str)
