"""Who waits for the work that is being done, and until when.

A server says it once for each request; the clients of other servers ask before they wait and try
again. Nobody waits for the rows of a dataset run.

    with somebody_waits(20.0):
        ...                       # here `left` counts down from 20
"""

from __future__ import annotations

import contextlib
import contextvars
import time
from collections.abc import Iterator

_until: contextvars.ContextVar[float | None] = contextvars.ContextVar("bestofn_until", default=None)


@contextlib.contextmanager
def somebody_waits(seconds: float) -> Iterator[None]:
    """Within it somebody waits, for so many seconds; of two such times the shorter one counts."""
    until, before = time.monotonic() + seconds, _until.get()
    token = _until.set(until if before is None else min(until, before))
    try:
        yield
    finally:
        _until.reset(token)


def left() -> float | None:
    """Seconds for which somebody still waits, 0 at least; None: nobody waits."""
    until = _until.get()
    return None if until is None else max(0.0, until - time.monotonic())
