"""Lines of data: neighbouring lines with the same number of delimiters, as in CSV."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import groupby

DELIMITERS = ";:,\t"
"""What parts the fields of records; Markdown tables are prose in cells and do not count."""

FIELDS = 4
"""Fields that a line of data has at least: three commas stand in many sentences, but not in four
lines alike."""

LINES = 4
"""Neighbouring lines with the same number of fields that make lines data."""


_FORMS = re.compile(
    r"\s*(?:"
    r"\|.*\|\s*$"  # a table's row
    r"|</?[A-Za-z][^<>]*>.*$|.*<[A-Za-z/][^<>]*>[,;]?\s*$"  # markup
    r"|[-*]?\s?[\"']?[\w.$/-]{1,40}[\"']?\s?(?:[:=]|=>)\s?"
    r"(?:[\"'].{0,80}[\"']|[^\s\"']{0,60})[,;]?\s*$"  # a key and its value
    r"|[\[(]?\d{4}-\d\d-\d\d[T ]\d.*$|[\[(]?\d\d:\d\d:\d\d.*$"  # a log's line
    r"|[{\[(].*[}\])][,;]?\s*$"  # a record
    r"|INSERT\s.*$|VALUES\s.*$"
    r"|[\w.\"' -]{1,40}(?:-->|->|==>|→).{1,60}$"  # an edge
    r"|(?:import|from|using|use|require|#include|export|package)\s\S.{0,120}$"
    r"|\[?[\"'][^\"']{0,60}[\"']\]?,?\s*$"  # an array's element
    r")"
)
"""Lines that are records by their form: rows, markup, pairs of a key and a value, log lines."""

_MARKS = re.compile(r"[\W_]*$")


def data_lines(text: str) -> Iterator[tuple[str, bool]]:
    """Each line of `text`, and whether it is a line of data; in linear time.

    Lines are data where at least `LINES` neighbours have the same number of fields, or the form of
    records; lines of marks only ({, },) belong to those before them.
    """
    for shape, lines in groupby(text.splitlines(), _shape):
        block = list(lines)
        data = shape is not None and len(block) >= LINES
        yield from ((line, data) for line in block)


def record_lines(text: str) -> list[bool]:
    """For each line of `text` whether it is data, by its fields or by its form."""
    lines = text.splitlines()
    flags = [data for _, data in data_lines(text)]
    formed = [bool(_FORMS.match(line[:400])) for line in lines]
    begin = 0
    for number in range(len(lines) + 1):
        ends = number == len(lines) or not (formed[number] or _MARKS.match(lines[number][:200]))
        if ends:
            if sum(formed[begin:number]) >= LINES:
                flags[begin:number] = [True] * (number - begin)
            begin = number + 1
    return flags


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
    for mark in ";:\t|,":
        if mark == "," and any(", " in line for line in above):
            continue  # an enumeration, rather than fields
        counts = {line.count(mark) for line in above[-LINES + 1 :]}
        fields = min(counts)
        if len(counts) == 1 and fields >= 2 and last.count(mark) < fields:
            return last.count(mark) + 1, fields + 1
    return None
