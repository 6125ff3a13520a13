"""Turns: who is next, where more is to be done than may be done at once and several ask for it.

    turns = Turns(2)
    async with turns.taken(owner=request):
        ...

A semaphore serves its callers in the order in which they came, so that one who comes with sixty
makes the next wait for all of them. Here owners take turns, round robin; each owner's own calls are
served in the order in which they came.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator


class Turns:
    """Places that owners take in turn. Of one event loop.

    Args:
        places: how many there are, at least 1.
    """

    def __init__(self, places: int) -> None:
        self._free = places
        # By owner; the first in the dictionary is next, and goes to its end when it was served.
        self._waiting: dict[int, deque[asyncio.Future[None]]] = {}

    @contextlib.asynccontextmanager
    async def taken(self, owner: object) -> AsyncIterator[None]:
        """A place, held until the end of the block.

        Args:
            owner: on whose behalf; told apart by identity, and held by the caller until the end.
        """
        await self._take(id(owner))
        try:
            yield
        finally:
            self._give_back()

    async def _take(self, owner: int) -> None:
        if self._free:
            self._free -= 1
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(owner, deque()).append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if not turn.cancelled():  # it was given the place, and will not use it
                self._give_back()
            raise

    def _give_back(self) -> None:
        """Let the next owner have the place; where nobody waits it is free."""
        while self._waiting:
            owner = next(iter(self._waiting))
            queue = self._waiting.pop(owner)
            turn = queue.popleft()
            if queue:
                self._waiting[owner] = queue
            if not turn.done():  # else it was cancelled
                turn.set_result(None)
                return
        self._free += 1
