"""Admission control: candidate tokens in flight, and a 429 at once for what does not fit."""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Iterator

from bestofn_server.errors import NotReadyError, OverloadedError

_WEIGHT = 0.1
"""Of the newest request in the running mean of their durations."""


class Admission:
    """Lets requests in while the tokens that they may still sample fit the limit.

    There is no queue: what does not fit is refused at once, with the time after which a place is
    likely. A request above the whole limit is let in when nothing else runs.

    Args:
        limit: candidate tokens in flight, at most.

    Attributes:
        tokens: in flight now.
        requests: in flight now.
        closed: whether nothing is let in any more, since the server stops.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._seconds = 1.0
        self.tokens = 0
        self.requests = 0
        self.closed = False

    @contextlib.contextmanager
    def admit(self, tokens: int) -> Iterator[None]:
        """Hold a place for `tokens` as long as the context.

        Raises:
            OverloadedError: there is none.
            NotReadyError: the server is stopping.
        """
        if self.closed:
            raise NotReadyError("the server is stopping")
        if self.tokens and self.tokens + tokens > self._limit:
            raise OverloadedError(
                f"{self.tokens:,} candidate tokens are in flight, which leaves no room for "
                f"{tokens:,} more: try again later",
                retry_after=max(1, math.ceil(self._seconds)),
            )
        started = time.monotonic()
        self.tokens += tokens
        self.requests += 1
        try:
            yield
        finally:
            self.tokens -= tokens
            self.requests -= 1
            self._seconds += _WEIGHT * (time.monotonic() - started - self._seconds)
