"""A Sampling made of one asyncio task per candidate, handed out in order of completion, with the
snapshots that are told of in between."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from bestofn.core.types import Candidate
from bestofn.support.concurrency import cancel_and_wait


class TaskSampling:
    """Runs `run(index)` for every index at once and yields the candidates as they finish.

    Args:
        indices: which candidates to run.
        run: samples one candidate. What it raises, the iterator raises: a fault that concerns one
            candidate alone belongs into `Candidate.error`.
        abort: asked to stop one running candidate; its `run` should then return soon.
    """

    def __init__(
        self,
        indices: Sequence[int],
        run: Callable[[int], Coroutine[Any, Any, Candidate]],
        abort: Callable[[int], None],
    ) -> None:
        self._tasks = {asyncio.create_task(run(index)): index for index in indices}
        self._abort = abort
        self._finished: asyncio.Queue[asyncio.Task[Candidate] | Candidate] = asyncio.Queue()
        self._left = len(self._tasks)
        for task in self._tasks:
            task.add_done_callback(self._finished.put_nowait)

    def __aiter__(self) -> TaskSampling:
        return self

    async def __anext__(self) -> Candidate:
        """The next candidate to finish, or snapshot; StopAsyncIteration after the last."""
        if not self._left:
            raise StopAsyncIteration
        come = await self._finished.get()
        if isinstance(come, Candidate):
            return come
        self._left -= 1
        return come.result()

    def tell(self, snapshot: Candidate) -> None:
        """Yield this, soon; only of a candidate whose `run` has not returned."""
        self._finished.put_nowait(snapshot)

    @property
    def running(self) -> list[int]:
        """The indices whose `run` has not returned."""
        return [index for task, index in self._tasks.items() if not task.done()]

    def abort(self, index: int) -> None:
        """Stop candidate `index` if it still runs."""
        if any(at == index and not task.done() for task, at in self._tasks.items()):
            self._abort(index)

    async def aclose(self) -> None:
        """Cancel whatever still runs and wait until it has stopped."""
        self._left = 0
        await cancel_and_wait(*self._tasks)
        for task in self._tasks:
            if not task.cancelled():
                task.exception()  # looked at, so that asyncio does not report it as lost
