"""A Sampling that looks from time to time how far its candidates are, and yields snapshots."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from bestofn.core.types import Candidate
from bestofn.generators.task_sampling import TaskSampling
from bestofn.support.concurrency import cancel_and_wait

SOONEST, LATEST = 0.005, 0.1
"""Seconds between two looks. In between they are as far apart as the fastest candidate takes for
half of the tokens between two snapshots."""


class WatchedSampling(TaskSampling):
    """As `TaskSampling`, with snapshots, for a backend that can be asked at any time.

    Args:
        indices, run, abort: as `TaskSampling`.
        every: tokens of a candidate between two snapshots, at least.
        count: how many tokens a running candidate has.
        look: it as far as it has come; None: there is nothing to see.
    """

    def __init__(
        self,
        indices: Sequence[int],
        run: Callable[[int], Coroutine[Any, Any, Candidate]],
        abort: Callable[[int], None],
        *,
        every: int,
        count: Callable[[int], int],
        look: Callable[[int], Candidate | None],
    ) -> None:
        super().__init__(indices, run, abort)
        self._every = every
        self._count = count
        self._look = look
        self._told = dict.fromkeys(indices, 0)
        self._watch = asyncio.create_task(self._watched())

    async def aclose(self) -> None:
        """As `TaskSampling.aclose`."""
        await cancel_and_wait(self._watch)
        await super().aclose()

    async def _watched(self) -> None:
        clock = asyncio.get_running_loop().time
        counts = dict(self._told)
        pause, before = SOONEST, clock()
        while running := self.running:
            await asyncio.sleep(pause)
            fastest = 0
            for index in running:
                count = self._count(index)
                fastest = max(fastest, count - counts[index])
                counts[index] = count
                if count >= self._told[index] + self._every:
                    self._tell_of(index, count)
            now = clock()
            wanted = LATEST if not fastest else 0.5 * self._every * (now - before) / fastest
            pause, before = min(LATEST, max(SOONEST, wanted)), now

    def _tell_of(self, index: int, count: int) -> None:
        self._told[index] = count
        # One that has come back in the meantime must not be told of behind its end.
        if index in self.running and (snapshot := self._look(index)) is not None:
            self.tell(snapshot)
