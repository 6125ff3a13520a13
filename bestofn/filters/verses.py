"""Owns what a Chinese poem's first lines show: its title and author, and whether verses follow."""

from __future__ import annotations

import re
from collections.abc import Sequence

_TITLE = re.compile(r"\s*(?:(?:题目|标题|诗名)\s*[:：]\s*)?《[^《》]+》\s*$")
_AUTHOR = re.compile(r"\s*(?:作者|诗人)\s*[:：]\s*\S")
_FACT = re.compile(r"[:：]|\d|[代朝年社版说]")
"""What shows that a line says something else of a work: 朝代：唐, 清代小说."""


def lacks_verses(lines: Sequence[str]) -> bool:
    """Whether the lines are a poem's title and author above a single verse without a mark."""
    if len(lines) != 3 or not _TITLE.match(lines[0]) or not _AUTHOR.match(lines[1]):
        return False
    return _FACT.search(lines[2]) is None
