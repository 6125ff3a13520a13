"""The wake-up call of a request: one timer, which the driver sets to the earliest time it is asked
for."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

SHORTEST = 0.001
"""Seconds: a controller that always asks to be woken at once does not starve the event loop."""


class WakeUp:
    """Calls back once, at the time that was set last.

    Args:
        loop: the event loop of the request.
        call: what is called.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, call: Callable[[], None]) -> None:
        self._loop = loop
        self._call = call
        self._timer: asyncio.TimerHandle | None = None
        self._at: float | None = None

    def set(self, at: float | None, now: float) -> None:
        """Call at `at`, on a clock of seconds that shows `now`; None: not at all."""
        if self._timer is not None and at == self._at:
            return
        self.cancel()
        if at is not None:
            self._at = at
            self._timer = self._loop.call_later(max(SHORTEST, at - now), self._ring)

    def cancel(self) -> None:
        """Do not call."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _ring(self) -> None:
        self._timer = None
        self._call()
