"""Whether the prompt asked for what an answer repeats: "write it 20 times", "40 hearts"."""

from __future__ import annotations

import re

_TIMES = re.compile(
    r"(?i)\b(?:times|repeat\w*|repetitions?|copies|lines of|mal|wiederhol\w*|fois|répét\w*|veces"
    r"|repit\w*"
    r"|repet\w*|vezes|volte|ripet\w*|raz[ay]?|повтор\w*|раз[а]?|kez|kali|lần|krát|keer)\b"
    r"|[次遍回]|重复|重複|繰り返|반복|번|مرات|مرة|बार|ครั้ง"
)
_NUMBER = re.compile(r"\d{1,6}")

READ = 20_000
"""Characters of the prompt that are read."""

SHORT = 3
"""Tokens of a unit that a bare number may have asked for ("40 hearts"), without "times"."""


def asked_for(prompt: str, unit: str, tokens: int, copies: int, *, growing: bool = False) -> bool:
    """Whether the prompt asks for about so many `copies` of the `unit`, or says to repeat it; for
    so many or more, where copies still come."""
    prompt = prompt[:READ]
    times = _TIMES.search(prompt) is not None
    if times and unit.strip() and unit.strip().casefold() in prompt.casefold():
        return True
    if (not times and tokens > SHORT) or unit.strip().isdecimal():
        return False
    numbers = (int(number) for number in _NUMBER.findall(prompt))
    return any(
        number >= 4 and (growing or 0.5 * number <= copies) and copies <= 1.5 * number
        for number in numbers
    )
