"""The time that requests have: each ends at its time-out, and all end when the server does."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

from bestofn_server.errors import NotReadyError


class RequestClock:
    """Limits what runs inside `limited`, and ends all of it at once by `end`.

    Args:
        seconds: that a request has.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._running: set[asyncio.Timeout] = set()
        self._ended = False

    @contextlib.asynccontextmanager
    async def limited(self) -> AsyncIterator[None]:
        """Cancel what is inside at the time-out.

        Raises:
            TimeoutError: the time is over.
            NotReadyError: the server stopped, and did not wait any longer.
        """
        try:
            async with asyncio.timeout(0 if self._ended else self._seconds) as timeout:
                self._running.add(timeout)
                try:
                    yield
                finally:
                    self._running.discard(timeout)
        except TimeoutError:
            if self._ended:
                raise NotReadyError("the server is stopping, and could not wait for it") from None
            raise

    def end(self) -> None:
        """End what runs now and what comes, as at its time-out."""
        self._ended = True
        now = asyncio.get_running_loop().time()
        for timeout in list(self._running):
            if not timeout.expired():
                timeout.reschedule(now)
