"""Words beside digits that change the number: "8 billion", "8亿", "minus 3", "负3".

in_digits("minus 8 million")                # "-8e6"
in_digits("5千克")                          # "5千克": a unit, kilograms
"""

from __future__ import annotations

import functools
import re

from bestofn.answers.asks_number import ENDS

_ENGLISH = {"thousand": 3, "million": 6, "billion": 9, "trillion": 12}
_CHINESE = {"千": 3, "万": 4, "百万": 6, "千万": 7, "亿": 8, "百亿": 10, "千亿": 11, "万亿": 12}
_POWERS = {**_ENGLISH, **_CHINESE}

SCALE = rf"(?:(?i:{'|'.join(_ENGLISH)})s?(?![A-Za-z])|万亿|[百千]?[万亿]|千(?![克米瓦卡帕赫伏安]))"
"""What multiplies the number before it; English in the short scale, as it counts today."""

MINUS = r"(?:(?i:minus|negative) |负)"
"""What makes the number after it negative, where no other number stands before."""

_SCALED = re.compile(rf"(?<=\d)\s?(?:\\(?:text|mathrm|mbox|textrm)\{{\s*({SCALE})\s*\}}|({SCALE}))")
_NEGATIVE = re.compile(rf"^\s*{MINUS}(?=[.\d])")

_PER_CENT = "%"
_MORE = "[百千万亿]"
_LONGEST_FIRST = "|".join(sorted(_CHINESE, key=len, reverse=True))
_ASKED = re.compile(
    rf"\b(?:in|(?:how )?many)\s({'|'.join(_ENGLISH)})s?\b|多少({_LONGEST_FIRST})(?!{_MORE})"
    r"|\b(?:what|which|as a|in|how many)\s(?:a\s)?(per ?cent)(?:age)?\b|(百分之)(?:多少|几)",
    re.IGNORECASE,
)
"""What a question counts in."""

_IN_BRACKETS = re.compile(r"\([^()]{0,200}\)|（[^（）]{0,200}）|\[[^\[\]]{0,200}\]")
_BEGINNING = re.compile(r"(?:[.!?](?=\s)|[。！？]|\n)(?=[^?？]*[?？][^?？]*$)")
"""Where the last question begins, which what follows it belongs to ("Answer in millions.")."""


def without_asked_scale(text: str, prompt: str) -> str:
    """An answer without the word that its prompt counts in: to "How many million?", "8.4" and
    "8.4 million" are the same.

    Args:
        text: the answer.
        prompt: the question; what is asked stands at its end.
    """
    word = _asked_word(prompt[-ENDS:])
    if word is None:
        return text
    if word == _PER_CENT:
        return re.sub(r"(?i)(?<=\d)(?:\s?\\?%|\s?per ?cent\b)|百分之(?=\d)", "", text)
    written = rf"{word}s?(?![A-Za-z])" if word in _ENGLISH else rf"{word}(?!{_MORE})"
    return re.sub(
        rf"(?i)(?:(?<=\d)|(?<=\d\*\*)|(?<=\d\$))\s?(?:\\text\{{\s*{written}\s*\}}|{written})",
        "",
        text,
    )


@functools.lru_cache(maxsize=64)
def _asked_word(end: str) -> str | None:
    """What the last question counts in; of a prompt without one, its last line."""
    end = _IN_BRACKETS.sub("", end.strip())
    beginnings = [found.end() for found in _BEGINNING.finditer(end)]
    if not re.search("[?？]", end):
        beginnings = [end.rfind("\n") + 1]
    asked = list(_ASKED.finditer(end, beginnings[-1] if beginnings else 0))
    if not asked:
        return None
    last = asked[-1]
    return (last[1] or last[2]).casefold() if last[1] or last[2] else _PER_CENT


def in_digits(text: str) -> str:
    """A number as it is written, with its words in digits and signs, as programs write it."""
    return _SCALED.sub(_power, _NEGATIVE.sub("-", text))


def _power(found: re.Match[str]) -> str:
    return f"e{_POWERS[(found[1] or found[2]).casefold().removesuffix('s')]}"
