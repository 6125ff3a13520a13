"""Owns the deadline of one request: until when it samples, and what is stopped then."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Sequence

from bestofn.core.protocols import Sampling
from bestofn.core.types import Candidate

GRACE = 0.25
"""Seconds that stopped candidates have to come back with what they cost; vLLM answers an abort in
about 10 ms (measured)."""


class Deadline:
    """Counts from its construction.

    Args:
        seconds: None never ends.

    Attributes:
        reached: whether it stopped something.
    """

    def __init__(self, seconds: float | None) -> None:
        self._end = None if seconds is None else time.monotonic() + seconds
        self.reached = False

    @property
    def left(self) -> float | None:
        """Seconds, 0 once it has passed; None where there is none."""
        return None if self._end is None else max(0.0, self._end - time.monotonic())

    async def arrivals(
        self, sampling: Sampling, indices: Sequence[int]
    ) -> AsyncIterator[Candidate]:
        """The candidates as they finish. At the deadline what still runs is aborted; what comes
        back of it within `GRACE` is yielded too (finish_reason "abort")."""
        waiting = set(indices)
        while (candidate := await _next(sampling, self.left)) is not None:
            if candidate.finish_reason is not None:
                waiting.discard(candidate.index)
            yield candidate
        if not waiting or self.left != 0:
            return
        self.reached = True
        for index in waiting:
            sampling.abort(index)
        until = time.monotonic() + GRACE
        while (candidate := await _next(sampling, until - time.monotonic())) is not None:
            yield candidate

    async def wait(self, work: Awaitable[None], progress: asyncio.Event) -> bool:
        """Wait for `work` until the deadline, and past it until there is any `progress`.

        Returns:
            Whether the work is done; else it is cancelled.
        """
        if self._end is None:
            await work
            return True
        task = asyncio.ensure_future(work)
        try:
            await asyncio.wait([task], timeout=self.left)
            if not task.done() and not progress.is_set():
                first = asyncio.ensure_future(progress.wait())
                await asyncio.wait([task, first], return_when=asyncio.FIRST_COMPLETED)
                first.cancel()
            if task.done():
                await task
                return True
            self.reached = True
            return False
        finally:
            task.cancel()


async def _next(sampling: Sampling, seconds: float | None) -> Candidate | None:
    """The next candidate, unless there is none, or none in time."""
    if seconds is None:
        return await anext(sampling, None)
    try:
        async with asyncio.timeout(seconds):
            return await anext(sampling, None)
    except TimeoutError:
        return None
