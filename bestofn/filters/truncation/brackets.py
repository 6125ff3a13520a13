"""Brackets, quotations, code spans and formulas that a paragraph opens and does not close."""

from __future__ import annotations

import re
from collections import Counter

_PAIRS = {
    "(": ")",
    "[": "]",
    "{": "}",
    "（": "）",
    "［": "］",
    "｛": "｝",
    "【": "】",
    "〔": "〕",
    "〖": "〗",
    "「": "」",
    "『": "』",
    "《": "》",
    "〈": "〉",
    "“": "”",
    "«": "»",
}
_QUOTES = {"「", "『", "“", "«"}
_CLOSERS = {closer: opener for opener, closer in _PAIRS.items()}

_NOT_BRACKETS = re.compile(
    r"(?<!\S)(?:"
    r"[:;=][-^'o]?[()\[\]{}]+(?=\s|$)"  # emoticons
    r"|(?:\d{1,3}|[A-Za-z]|[ivxIVX]{1,5})[)）](?=\s))"  # enumerators: 1) a) iv)
    r"|[\[(]\s?-?[\w.∞]+\s?,\s?[+-]?[\w.∞]+\s?[\])]"  # intervals: [0, 1)
    r"|\\[(\[)\]{}]"  # escaped
)
_TICKS = re.compile(r"(`+)")
_STRAIGHT = re.compile(r'(?<![\d\\])"')
"""A straight double quote; after a digit it means inches."""


def open_bracket(paragraph: str) -> tuple[str, bool] | None:
    """(the innermost bracket or paired quote left open, whether it is a quote); None: all closed.

    A closer without opener is ignored; one that skips over other openers closes those too.
    """
    if _PAIRS.keys().isdisjoint(paragraph):
        return None
    stack: list[str] = []
    standing: Counter[str] = Counter()
    for mark in _NOT_BRACKETS.sub("", paragraph):
        if mark in _PAIRS:
            stack.append(mark)
            standing[mark] += 1
        elif standing[opener := _CLOSERS.get(mark, "")]:
            closed = ""
            while closed != opener:
                closed = stack.pop()
                standing[closed] -= 1
    return (stack[-1], stack[-1] in _QUOTES) if stack else None


def open_straight_quote(paragraph: str) -> bool:
    """Whether the paragraph has an odd number of straight double quotes."""
    return len(_STRAIGHT.findall(paragraph)) % 2 == 1


def without_spans(paragraph: str) -> tuple[str, bool]:
    """(the paragraph with its inline code and formulas emptied, whether one was left open).

    A run of backticks opens a span that the next run of the same length closes, as in CommonMark;
    a single one that nothing closes is open. Formulas are between $$, \\( and \\), \\[ and \\].
    """
    pieces = _TICKS.split(paragraph)
    closes: dict[int, int] = {}
    closer = [0] * len(pieces)
    for place in range(len(pieces) - 2, 0, -2):
        closer[place] = closes.get(len(pieces[place]), 0)
        closes[len(pieces[place])] = place
    kept: list[str] = []
    place, left_open = 0, False
    while place < len(pieces):
        if place % 2 == 0:
            kept.append(pieces[place])
        elif closer[place]:
            kept.append("``")
            place = closer[place]
        else:
            # `old style' quotations of GNU's manuals end in an apostrophe.
            left_open = left_open or (pieces[place] == "`" and "'" not in pieces[place + 1])
        place += 1
    rest = "".join(kept)
    formula = (
        rest.count("$$") % 2 == 1
        or rest.count("\\(") > rest.count("\\)")
        or rest.count("\\[") > rest.count("\\]")
    )
    return rest, left_open or formula
