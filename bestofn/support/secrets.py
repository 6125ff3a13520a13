"""Secrets that this process sends to others, which may send them back: kept out of what is logged.

with kept_secret("abc123"):
    masked("Incorrect API key provided: abc123")        # "Incorrect API key provided: ***"
"""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Iterator

SHORTEST = 6
"""Characters; a shorter one would be found in any text."""

_kept: Counter[str] = Counter()


@contextlib.contextmanager
def kept_secret(*secrets: str | None) -> Iterator[None]:
    """Within it these stand in no text that `masked` returns."""
    held = [each for each in secrets if each and len(each) >= SHORTEST]
    _kept.update(held)
    try:
        yield
    finally:
        _kept.subtract(held)
        for each in held:
            if not _kept[each]:
                del _kept[each]


def masked(text: str) -> str:
    """The text with stars for each secret; the longest first, since one may hold another."""
    for each in sorted(_kept, key=len, reverse=True):
        text = text.replace(each, "***")
    return text
