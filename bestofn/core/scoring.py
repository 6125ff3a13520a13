"""Owns the scoring side of one request: candidates go in one by one, scores come out once each."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Callable, Sequence

from bestofn.core.no_winner import RewardError
from bestofn.core.protocols import Comparing, RewardModel
from bestofn.core.types import Candidate, Failure, Request, Score

logger = logging.getLogger(__name__)

OnScore = Callable[[Sequence[int], Score], None]
"""Called once per distinct candidate with the indices of all its copies."""


class Scorer:
    """Sends candidates to the reward model as they come: whenever it is free, all that wait.

    A reward model that compares is called when `drain` is, with every candidate that was added and
    has not failed, so that a candidate's score may change after more were added. Candidates that
    read the same are scored once. A call that fails, or a reward that is not a finite number,
    becomes a `Failure` of its candidates.

    Args:
        request: whose candidates they are.
        reward_model: None accepts candidates and scores nothing.
        on_score: told of each score as it is known.
    """

    def __init__(
        self, request: Request, reward_model: RewardModel | None, on_score: OnScore
    ) -> None:
        self._request = request
        self._reward_model = reward_model
        self._compares = isinstance(reward_model, Comparing) and reward_model.compares
        self._on_score = on_score
        self._copies: dict[str, list[int]] = {}
        self._known: dict[str, Score] = {}
        self._waiting: list[tuple[str, Candidate]] = []
        self._compared: list[tuple[str, Candidate]] = []
        self._worker: asyncio.Task[None] | None = None
        self.errors: list[str] = []
        self.tokens = 0
        self.seconds = 0.0

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
            self._waiting.append((key, candidate))
            if not self._compares:
                self._start(self._reward_model)

    async def drain(self) -> None:
        """Return once every added candidate has its score."""
        if self._waiting and self._reward_model is not None:
            self._start(self._reward_model)
        if self._worker is not None:
            await self._worker

    async def aclose(self) -> None:
        """Stop; what was not scored stays unscored."""
        if self._worker is not None and not self._worker.done():
            self._worker.cancel()
            await asyncio.wait([self._worker])

    def _start(self, reward_model: RewardModel) -> None:
        if self._worker is None or self._worker.done():
            self._worker = asyncio.create_task(self._work(reward_model))

    async def _work(self, reward_model: RewardModel) -> None:
        while self._waiting:
            batch, self._waiting = [*self._compared, *self._waiting], []
            started = time.perf_counter()
            scores = await self._score(reward_model, [candidate for _, candidate in batch])
            self.seconds += time.perf_counter() - started
            for (key, _), score in zip(batch, scores, strict=True):
                self._known[key] = score
                self.tokens += score.tokens
                self._on_score(self._copies[key], score)
            if self._compares:
                self._compared = [
                    each for each, score in zip(batch, scores, strict=True) if score.failure is None
                ]

    async def _score(
        self, reward_model: RewardModel, candidates: Sequence[Candidate]
    ) -> Sequence[Score]:
        try:
            scores = await reward_model.score(self._request, candidates)
            if len(scores) != len(candidates):
                raise RewardError(
                    f"the reward model returned {len(scores)} scores for {len(candidates)} "
                    "candidates"
                )
        except Exception as error:  # a user's code: recorded on its candidates, never lost
            logger.warning("the reward model raised", exc_info=error)
            known = isinstance(error, RewardError)
            detail = str(error) if known else f"{type(error).__name__}: {error}"
            self.errors.append(detail)
            return [Score(None, failure=Failure("reward_error", detail))] * len(candidates)
        return [
            score
            if score.failure is not None
            else Score.of(
                score.reward, tokens=score.tokens, components=score.components, cut=score.cut
            )
            for score in scores
        ]


def _reads_as(candidate: Candidate) -> str:
    """Equal for candidates that a reward model cannot tell apart."""
    return json.dumps([candidate.message, candidate.ended], sort_keys=True, default=str)
