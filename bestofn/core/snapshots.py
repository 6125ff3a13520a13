"""Snapshots: running candidates of one request, judged as far as they have come.

    Decision.check ─► filters that foresee ─► Running.rejection, Running.checked_at
    Decision.score ─► reward model ─────────► Running.reward, Running.scored_at

A snapshot is only ever judged. What is returned is what the engine finishes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator

from bestofn.core.controller import Decision
from bestofn.core.ledger import Ledger
from bestofn.core.pipeline import Pipeline
from bestofn.core.scoring import Scorer
from bestofn.core.streams import Streams
from bestofn.core.types import Candidate, Rejection


class Snapshots:
    """The snapshots of one request.

    Args:
        pipeline: its filters that foresee are asked.
        ledger: told what was not done as asked.
        streams: told what was found of a running candidate.
        scorer: scores snapshots.
        on_change: called when a check that was not made at once has ended.
    """

    def __init__(
        self,
        pipeline: Pipeline,
        ledger: Ledger,
        streams: Streams,
        scorer: Scorer,
        on_change: Callable[[], None],
    ) -> None:
        self._filtering = pipeline.filtering
        self._compares = pipeline.compares
        self._ledger = ledger
        self._streams = streams
        self._scorer = scorer
        self._on_change = on_change
        self._rejections: dict[int, Rejection] = {}
        self._tasks: dict[int, asyncio.Task[None]] = {}

    def judge(self, decision: Decision) -> None:
        """Check and score the newest snapshots of these candidates, soon; returns at once."""
        if decision.score and self._compares:
            self._ledger.note("the reward model compares whole answers: snapshots are not scored")
        for candidate in self._newest(decision.check):
            self._check(candidate)
        for candidate in self._newest(decision.score):
            self._scorer.add_snapshot(candidate)

    def drop(self, index: int) -> Rejection | None:
        """Its candidate has come back: nothing of it is judged any more. What is known of it."""
        self._scorer.drop_snapshot(index)
        if self._tasks and (task := self._tasks.pop(index, None)) is not None:
            task.cancel()
        return self._rejections.pop(index, None) if self._rejections else None

    async def aclose(self) -> None:
        """Leave what is being checked."""
        tasks = [*self._tasks.values()]
        self._tasks.clear()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _newest(self, indices: Iterable[int]) -> Iterator[Candidate]:
        for index in indices:
            running = self._streams.running.get(index)
            if running is not None and running.latest is not None:
                yield running.latest

    def _check(self, candidate: Candidate) -> None:
        index = candidate.index
        if index in self._tasks or index in self._rejections:
            return
        if not self._filtering.is_long(candidate):
            self._found(candidate, self._filtering.foreseen(self._streams.request, candidate))
            return
        self._streams.on_check(candidate, None)
        self._tasks[index] = asyncio.create_task(self._check_beside(candidate))

    async def _check_beside(self, candidate: Candidate) -> None:
        found = await self._filtering.foreseen_beside(self._streams.request, candidate)
        if self._tasks.pop(candidate.index, None) is not None:
            self._found(candidate, found)

    def _found(self, candidate: Candidate, rejection: Rejection | None) -> None:
        self._streams.on_check(candidate, rejection)
        if rejection is not None:
            self._rejections[candidate.index] = rejection
            self._on_change()
