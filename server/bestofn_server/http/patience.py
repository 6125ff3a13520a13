"""How long a client waits for its answer, as far as it says so."""

from __future__ import annotations

import math

from starlette.requests import Request

HEADERS = ("x-stainless-read-timeout", "x-stainless-timeout")
"""What OpenAI's clients for Python and for JavaScript send of their own time-out, in seconds."""

UNSAID = math.inf
"""Of a client that does not say it; the server's own time-out ends its request all the same."""


def patience_of(request: Request) -> float:
    """Seconds for which the client of this request waits."""
    for name in HEADERS:
        try:
            seconds = float(request.headers.get(name, ""))
        except ValueError:
            continue
        if seconds > 0 and math.isfinite(seconds):
            return seconds
    return UNSAID
