"""Columns that are mapped, held against those that an input has: a slip is an error before the run.

check_columns("a.csv", records, {"reference": "anwser"})
a.csv: none of its first 64 rows has the column anwser (reference=anwser); did you mean answer?
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from bestofn.core.errors import ConfigError
from bestofn.dataset.prompts.json_records import InputRecord
from bestofn.dataset.prompts.layouts import has_column
from bestofn.support.nearest import did_you_mean

LOOKED_AT = 64
"""Rows that are looked at before the first is worked on."""

_LONGEST_LIST = 20
"""Columns that are named where none is close."""


def check_columns(source: str, records: Sequence[InputRecord], columns: Mapping[str, str]) -> None:
    """Return if some of the records have each mapped column, be it empty; of records that cannot be
    read nothing is known.

    Args:
        source: the input, for a reader.
        records: its first ones.
        columns: see `bestofn.dataset.prompts.layouts.find_fields`.

    Raises:
        ConfigError: none has one of them.
    """
    read = [record for _, record in records if isinstance(record, Mapping)]
    if not read:
        return
    for field, column in columns.items():
        if not any(has_column(record, column) for record in read):
            there = list(dict.fromkeys(name for record in read for name in _names(record)))
            meant = did_you_mean(column, there) or _listed(there)
            raise ConfigError(
                f"{source}: none of its first {len(read)} rows has the column {column} "
                f"({field}={column}){meant}"
            )


def with_checked_columns(
    source: str, records: Iterator[InputRecord], columns: Mapping[str, str]
) -> Iterator[InputRecord]:
    """The same records, none of them before the first `LOOKED_AT` were checked.

    Raises:
        ConfigError: as `check_columns`.
    """
    first = list(itertools.islice(records, LOOKED_AT))
    check_columns(source, first, columns)
    yield from itertools.chain(first, records)


def _names(record: Mapping[str, Any], before: str = "") -> Iterable[str]:
    """The columns of a record, those inside of others behind these."""
    for name, value in record.items():
        yield f"{before}{name}"
        if isinstance(value, Mapping):
            yield from _names(value, f"{before}{name}.")


def _listed(there: Sequence[str]) -> str:
    more = ", ..." if len(there) > _LONGEST_LIST else ""
    return "; it has " + ", ".join(f"{name:.40}" for name in there[:_LONGEST_LIST]) + more
