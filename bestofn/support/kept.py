"""Results that are kept for the next call, as by `functools.lru_cache`, but none of long texts."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import ParamSpec, TypeVar

Given = ParamSpec("Given")
Result = TypeVar("Result")

LONGEST = 50_000
"""Characters of a text from which nothing is kept: what clients and models send is held by the
cache as long as the result is, and must not fill the memory."""


def kept(function: Callable[Given, Result]) -> Callable[Given, Result]:
    """`function`, whose last 256 results are kept; where no text it is given is above `LONGEST`.

    @kept
    def announced(text: str) -> str | None: ...
    """
    held = functools.lru_cache(maxsize=256)(function)

    @functools.wraps(function)
    def result(*given: Given.args, **named: Given.kwargs) -> Result:
        texts = (each for each in (*given, *named.values()) if isinstance(each, str))
        if any(len(each) > LONGEST for each in texts):
            return function(*given, **named)
        return held(*given, **named)  # type: ignore[arg-type]  # of what can be hashed

    return result
