"""Lines of data: neighbouring lines with the same number of delimiters, as in CSV."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

DELIMITERS = ";:,\t"
"""What parts the fields of records; Markdown tables are prose in cells and do not count."""

FIELDS = 4
"""Fields that a line of data has at least: three commas stand in many sentences, but not in four
lines alike."""

LINES = 4
"""Neighbouring lines with the same number of fields that make lines data."""


def data_lines(text: str) -> Iterator[tuple[str, bool]]:
    """Each line of `text`, and whether it is a line of data; in linear time."""
    for shape, lines in groupby(text.splitlines(), _shape):
        block = list(lines)
        data = shape is not None and len(block) >= LINES
        yield from ((line, data) for line in block)


def _shape(line: str) -> tuple[str, int] | None:
    """The line's most frequent delimiter and its number; None where it has too few fields."""
    if line.lstrip().startswith("|"):
        return None
    count, delimiter = max((line.count(mark), mark) for mark in DELIMITERS)
    return (delimiter, count) if count >= FIELDS - 1 else None


def ends_in_data_lines(text: str) -> bool:
    """Whether the last lines have the same number (at least two) of some delimiter."""
    last = text.splitlines()[-LINES:]
    return len(last) == LINES and any(
        last[0].count(mark) >= 2 and len({line.count(mark) for line in last}) == 1
        for mark in DELIMITERS
    )


def cut_record(text: str) -> tuple[int, int] | None:
    """(fields of the last line, of those above) where the last of several records has fewer."""
    *above, last = text.splitlines()[-LINES - 1 :]
    if len(above) < LINES - 1:
        return None
    for mark in ";:\t|":
        counts = {line.count(mark) for line in above[-LINES + 1 :]}
        fields = min(counts)
        if len(counts) == 1 and fields >= 2 and last.count(mark) < fields:
            return last.count(mark) + 1, fields + 1
    return None
