"""Quotations that a paragraph opens and does not close, whatever the language's marks.

A mark opens or closes by where it stands, not by its shape: “…”, „…“, „…”, ”…”, »…«, «…» and »…»
are all in use, and the closing mark of one language opens in another.
"""

from __future__ import annotations

import re

_CURLY = "„“”‟"
_ANGLE = "«»"
_MARK = re.compile(rf"[{_CURLY}{_ANGLE}]")
_UNSPACED = re.compile("[぀-ヿ㐀-鿿]")
"""Letters of scripts without spaces: a mark between two of them may open and may close."""

_STRAIGHT = re.compile(r'(?<!\\)"')
_AFTER_DIGIT = re.compile(r'(?<=\d)"')
"""A straight double quote after a digit may mean inches."""


def open_quotation(paragraph: str) -> str | None:
    """The mark of a quotation left open; None: all are closed.

    A mark behind a space (or at the beginning) and before a letter opens, one behind a letter or a
    stop closes the innermost of its family; a space within, as in « French », is skipped.
    """
    opened = {"curly": 0, "angle": 0}
    shown = {"curly": "", "angle": ""}
    for found in _MARK.finditer(paragraph):
        mark = found.group()
        family = "curly" if mark in _CURLY else "angle"
        if _opens(paragraph, found.start(), mark, opened[family]):
            opened[family] += 1
            shown[family] = mark
        elif opened[family]:
            opened[family] -= 1
    if opened["curly"] and '"' in paragraph:
        opened["curly"] = 0  # „… closed by a straight mark, as many keyboards do
    return next((shown[family] for family, count in opened.items() if count), None)


def _opens(text: str, place: int, mark: str, standing: int) -> bool:
    before, after = text[place - 1 : place], text[place + 1 : place + 2]
    if mark == "„":
        return True
    if mark == "»" and after in (" ", "\u00a0", "\u202f"):
        return False  # it closes, or parts the names of a path: File » Print
    outside = (
        not before
        or before.isspace()
        or before in "([{（—–-/*_：:，。、；！？"
        or _UNSPACED.match(before) is not None
    )
    if mark == "«" and after in (" ", "\u00a0", "\u202f"):
        # « French », as against »German« and »-« and so on
        return not before or before.isspace() or not standing
    if mark == "»" and before in (" ", "\u00a0", "\u202f") and standing:
        return False
    inside = bool(after) and not after.isspace() and after not in ".,;:!?)]}*_，。；：！？、）】》"
    if outside != inside:
        return outside and not standing
    return not standing and (mark in "“«" or outside)


def open_straight_quote(paragraph: str) -> bool:
    """Whether the straight double quotes are odd in number, inches counted or not."""
    count = len(_STRAIGHT.findall(paragraph))
    return count % 2 == 1 and (count - len(_AFTER_DIGIT.findall(paragraph))) % 2 == 1
