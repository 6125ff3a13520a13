"""Circuit breaker and retry budget: a server that fails is left alone for a while, and asked again
no more often than its other requests pay for.

    closed ── ten failures in a row ──► open ── ten seconds ──► one trial ── it succeeds ──► closed
                                          ▲                         │
                                          └──────── it fails ───────┘

A trial that is still out after two seconds lets the next request be one: a long answer is no fault.
"""

from __future__ import annotations

import time
from collections.abc import Hashable

FAILURES = 10
"""In a row, that open a breaker: more than the attempts of two requests. Of those that may be the
request's own doing, a client's request counts once, so that one which the server cannot answer does
not lock the others out, however many candidates it has."""

SECONDS = 10.0
"""That a server is left alone."""

TRIAL = 2.0
"""Seconds for which one trial keeps the others waiting: a server that is at fault mostly says so at
once, and one that is well may take minutes for an answer."""

RESERVE = 10.0
"""Retries that are there from the start."""

PER_REQUEST = 0.2
"""Retries that each request earns: where all fail, a fifth more is asked than without retries
(Finagle's and Envoy's default)."""

PER_SECOND = 1.0
"""Retries that each second gives back, up to the reserve: little traffic has its retries too."""


class Breaker:
    """The breaker of one server.

    Args:
        failures: in a row, that open it.
        seconds: that it stays open.
    """

    def __init__(self, failures: int = FAILURES, seconds: float = SECONDS) -> None:
        self._limit = failures
        self._seconds = seconds
        self._failed = 0
        self._opened = 0.0
        self._trial: float | None = None
        self._blamed: set[Hashable] = set()

    @property
    def left(self) -> float:
        """Seconds for which the server is left alone, a trial's included; 0: it may be asked."""
        if self._failed < self._limit:
            return 0.0
        until = self._opened + self._seconds
        if self._trial is not None:
            until = max(until, self._trial + TRIAL)
        return max(0.0, until - time.monotonic())

    @property
    def failed(self) -> int:
        """Failures in a row."""
        return self._failed

    def enter(self) -> bool:
        """Whether a request may be sent now; after the seconds it is one, until that has ended or
        takes long."""
        if self._failed < self._limit:
            return True
        if self.left:
            return False
        self._trial = time.monotonic()
        return True

    def succeeded(self) -> None:
        """The server answered."""
        self._failed, self._trial = 0, None
        self._blamed.clear()

    def failed_once(self, request: Hashable = None) -> None:
        """It did not, or says that it is at fault.

        Args:
            request: the client's, where it may be its own doing: it counts once until the server
                answers another. None: it cannot be.
        """
        self._trial = None
        if request is None or request not in self._blamed:
            self._failed += 1
        if request is not None and self._failed < self._limit:
            self._blamed.add(request)
        if self._failed >= self._limit:
            self._opened = time.monotonic()

    def gave_up(self) -> None:
        """Nobody waited for the answer, which says nothing of the server."""
        self._trial = None


class RetryBudget:
    """How often requests may be repeated, over all requests of a client."""

    def __init__(self) -> None:
        self._balance = RESERVE
        self._at = time.monotonic()

    def earn(self) -> None:
        """A request is sent for the first time."""
        self._refill()
        self._balance = min(self._balance + PER_REQUEST, 10 * RESERVE)

    def spend(self) -> bool:
        """Whether one more retry is there; it is taken."""
        self._refill()
        if self._balance < 1:
            return False
        self._balance -= 1
        return True

    def _refill(self) -> None:
        now = time.monotonic()
        if self._balance < RESERVE:
            self._balance = min(RESERVE, self._balance + PER_SECOND * (now - self._at))
        self._at = now
