"""Words beside digits that change the number: "8 billion", "8亿", "minus 3", "负3".

in_digits("minus 8 million")                # "-8e6"
in_digits("5千克")                          # "5千克": a unit, kilograms
"""

from __future__ import annotations

import re

_ENGLISH = {"thousand": 3, "million": 6, "billion": 9, "trillion": 12}
_CHINESE = {"千": 3, "万": 4, "百万": 6, "千万": 7, "亿": 8, "百亿": 10, "千亿": 11, "万亿": 12}
_POWERS = {**_ENGLISH, **_CHINESE}

SCALE = rf"(?:(?i:{'|'.join(_ENGLISH)})s?(?![A-Za-z])|万亿|[百千]?[万亿]|千(?![克米瓦卡帕赫伏安]))"
"""What multiplies the number before it; English in the short scale, as it counts today."""

MINUS = r"(?:(?i:minus|negative) |负)"
"""What makes the number after it negative, where no other number stands before."""

_SCALED = re.compile(rf"(?<=\d)\s?(?:\\(?:text|mathrm|mbox|textrm)\{{\s*({SCALE})\s*\}}|({SCALE}))")
_NEGATIVE = re.compile(rf"^\s*{MINUS}(?=[.\d])")


def in_digits(text: str) -> str:
    """A number as it is written, with its words in digits and signs, as programs write it."""
    return _SCALED.sub(_power, _NEGATIVE.sub("-", text))


def _power(found: re.Match[str]) -> str:
    return f"e{_POWERS[(found[1] or found[2]).casefold().removesuffix('s')]}"
