"""Columns that are mapped, held against those that an input has: a slip is an error before the run.

check_columns("a.csv", first, {"reference": "anwser"})
a.csv: none of its first 64 rows has the column anwser (reference=anwser); did you mean answer?

A column that no row has may come later, since JSON lines leave out what is empty. So it is refused
where one is there that is spelt like it, or where there are no more rows; else it is told.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bestofn.core.errors import ConfigError
from bestofn.dataset.prompts.json_records import InputRecord
from bestofn.dataset.prompts.layouts import has_column
from bestofn.support.nearest import did_you_mean, nearest

LOOKED_AT = 64
"""Rows that are looked at before the first is worked on."""

_LONGEST_LIST = 20
"""Columns that are named where none is close."""


@dataclass(frozen=True, slots=True)
class FirstRecords:
    """The first records of an input.

    Args:
        records: `LOOKED_AT` of them, or all.
        rest: those that follow.
        ended: whether none follows.
    """

    records: Sequence[InputRecord]
    rest: Iterator[InputRecord]
    ended: bool

    @classmethod
    def of(cls, records: Iterable[InputRecord]) -> FirstRecords:
        """Those of an input, of which one more is read to see whether it goes on."""
        given = iter(records)
        first = list(itertools.islice(given, LOOKED_AT))
        more = list(itertools.islice(given, 1))
        return cls(first, itertools.chain(more, given), not more)


def check_columns(source: str, first: FirstRecords, columns: Mapping[str, str]) -> str:
    """What is to be told of mapped columns that none of the first records has, be it empty; '' if
    each is there. Of records that cannot be read nothing is known.

    Args:
        source: the input, for a reader.
        first: its first records.
        columns: see `bestofn.dataset.prompts.layouts.find_fields`.

    Raises:
        ConfigError: one of them is a slip: one that is mapped as nothing is called nearly so, or
            there are no other records that may have it.
    """
    read = [record for _, record in first.records if isinstance(record, Mapping)]
    missing = {
        field: column
        for field, column in columns.items()
        if not any(has_column(record, column) for record in read)
    }
    if not read or not missing:
        return ""
    there = list(dict.fromkeys(name for record in read for name in _names(record)))
    free = [name for name in there if name not in columns.values()]
    none = f"none of its first {len(read)} rows has the column "
    for field, column in missing.items():
        slip = _slip(column, free)
        if slip or first.ended:
            meant = slip or did_you_mean(column, there) or _listed(there)
            raise ConfigError(f"{source}: {none}{column} ({field}={column}){meant}")
    return none + " or ".join(f"{column} ({field}={column})" for field, column in missing.items())


def with_checked_columns(
    source: str,
    records: Iterable[InputRecord],
    columns: Mapping[str, str],
    tell: Callable[[str], None],
) -> Iterator[InputRecord]:
    """The same records, none of them before the first were checked.

    Args:
        source: see `check_columns`.
        records: of the input.
        columns: see `check_columns`.
        tell: takes what `check_columns` says, if it says something.

    Raises:
        ConfigError: as `check_columns`.
    """
    first = FirstRecords.of(records)
    if told := check_columns(source, first, columns):
        tell(told)
    yield from itertools.chain(first.records, first.rest)


def _names(record: Mapping[str, Any], before: str = "") -> Iterable[str]:
    """The columns of a record, those inside of others behind these."""
    for name, value in record.items():
        yield f"{before}{name}"
        if isinstance(value, Mapping):
            yield from _names(value, f"{before}{name}.")


def _slip(column: str, free: Sequence[str]) -> str:
    """``; did you mean NAME?`` if a column is called nearly so. For ``a.b`` that is one inside of
    ``a``, where there are any: they begin alike, whatever they are called."""
    outer, dot, inner = column.rpartition(".")
    before = outer + dot
    within = [name.removeprefix(before) for name in free if dot and name.startswith(before)]
    if not within:
        return did_you_mean(column, free)
    near = nearest(inner, within)
    return "" if near is None else f"; did you mean {before}{near}?"


def _listed(there: Sequence[str]) -> str:
    more = ", ..." if len(there) > _LONGEST_LIST else ""
    return "; it has " + ", ".join(f"{name:.40}" for name in there[:_LONGEST_LIST]) + more
