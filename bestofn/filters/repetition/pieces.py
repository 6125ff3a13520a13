"""Copies that are cut pieces: they break off within a bracket, a quotation or a table's row."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

_BRACKETS = ("()", "[]", "{}", "（）", "《》", "「」", "『』", "【】", "“”")
_CUT_DELIMITERS = re.compile(r"^(?=[^\n]*[^\W\d_])[^\n]*(?:\|\s?:?-{3,}:?\s?){2}", re.MULTILINE)
"""A line that holds cells of words and the dashes below a table's head."""

_NOTHING_BEFORE_COMMA = re.compile(r"[^\W\d_][^\S\n]?[({]\s{0,9},")
"""A call or a set whose first value is missing; an index without one is R's, C#'s, JavaScript's."""

_ENUMERATOR = re.compile(r"(?m)(?:^|(?<=\s))\w{1,3}\)(?=\s)")
_EMOTICON = re.compile(r"[:;=]['-]?[()\[\]{}]")
_TICKS = re.compile(r"`+")
_INCHES = re.compile(r"\d\"")

ALIKE = 0.8
"""Share of the copies that are cut in the same way."""


def are_pieces(copies: Sequence[str]) -> bool:
    """Whether the copies are cut pieces, which no entries or statements are: rows into which a
    table's dashes run, or nearly all open more brackets than they close (or the other way round),
    or hold a quotation mark or a run of backticks too few, all alike, or call without a first
    value. Wherever a copy is taken to begin, the counts are the same."""
    twice = "".join(copies[:2])
    if _CUT_DELIMITERS.search(twice) or _NOTHING_BEFORE_COMMA.search(twice):
        return True
    excess = _excess(copies[0])
    return any(excess) and sum(_excess(copy) == excess for copy in copies) >= ALIKE * len(copies)


def _excess(unit: str) -> tuple[int, ...]:
    """How many more brackets of each kind open than close, whether a quotation mark is odd, and how
    many runs of backticks have no second of their length."""
    unit = _ENUMERATOR.sub("", _EMOTICON.sub("", unit))
    brackets = (unit.count(pair[0]) - unit.count(pair[1]) for pair in _BRACKETS)
    quotes = unit.count('"') % 2 if not _INCHES.search(unit) else 0
    ticks = Counter(len(run) for run in _TICKS.findall(unit))
    return (*brackets, quotes, sum(count % 2 for count in ticks.values()))
