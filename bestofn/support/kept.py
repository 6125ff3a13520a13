"""Results that are kept for the next call, as by `functools.lru_cache`, but none of long texts."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TypeVar

Result = TypeVar("Result")

LONGEST = 50_000
"""Characters of a text from which nothing is kept: what clients and models send is held by the
cache as long as the result is, and must not fill the memory."""


def kept(function: Callable[[str], Result]) -> Callable[[str], Result]:
    """`function` of a text, whose last 256 results are kept; of texts up to `LONGEST` alone.

    @kept
    def announced(text: str) -> str | None: ...
    """
    held = functools.lru_cache(maxsize=256)(function)

    @functools.wraps(function)
    def result(text: str) -> Result:
        return function(text) if len(text) > LONGEST else held(text)

    return result
