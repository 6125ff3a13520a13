"""Owns what counts as a row of data: neighbouring lines with the same number of delimiters."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

DELIMITERS = ";:,\t"
"""What parts the fields of records; Markdown tables are prose in cells and do not count."""

FIELDS = 4
"""Fields a row has at least: three commas stand in many sentences, but not in four lines alike."""

ROWS = 4
"""Neighbouring rows with the same number of fields that make lines data."""


def data_lines(text: str) -> Iterator[tuple[str, bool]]:
    """Each line of `text`, and whether it is a row of data; in linear time."""
    for row, lines in groupby(text.splitlines(), _shape):
        block = list(lines)
        data = row is not None and len(block) >= ROWS
        yield from ((line, data) for line in block)


def _shape(line: str) -> tuple[str, int] | None:
    """The line's most frequent delimiter and its number; None where it has too few fields."""
    if line.lstrip().startswith("|"):
        return None
    count, delimiter = max((line.count(mark), mark) for mark in DELIMITERS)
    return (delimiter, count) if count >= FIELDS - 1 else None


def ends_in_rows(text: str) -> bool:
    """Whether the last lines have the same number (at least two) of some delimiter."""
    last = text.splitlines()[-ROWS:]
    return len(last) == ROWS and any(
        last[0].count(mark) >= 2 and len({line.count(mark) for line in last}) == 1
        for mark in DELIMITERS
    )
