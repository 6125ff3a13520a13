"""Reading of a run's input: its rows counted, and a run stopped that reads nothing."""

from __future__ import annotations

from collections.abc import Iterator

from bestofn.core.errors import DatasetError, UnreadableError
from bestofn.dataset.prompts.rows import Row
from bestofn.dataset.run.counts import Counts


def counted(rows: Iterator[Row], counts: Counts, most_unreadable: int) -> Iterator[Row]:
    """The same rows, in order, counted as they are read.

    Rows that cannot be read are held back until one that can be comes after them: where they stop
    the run they are not recorded, and are read anew when it goes on.

    Args:
        rows: of the input.
        counts: `read`, `unreadable` and `first_unreadable` are kept.
        most_unreadable: so many one after the other stop the run.

    Raises:
        UnreadableError: nothing else was read until then.
        DatasetError: so many could not be read; what stands before them is done.
    """
    held: list[Row] = []
    for row in rows:
        counts.read += 1
        if row.request is not None:
            yield from held
            held = []
            yield row
            continue
        held.append(row)
        counts.unreadable += 1
        counts.first_unreadable = counts.first_unreadable or f"{row.source}: {row.error}"
        if len(held) >= most_unreadable:
            break
    if held and counts.unreadable == counts.read:
        raise UnreadableError(
            f"none of {counts.read:,} rows can be read, the first is {counts.first_unreadable}"
        )
    if len(held) >= most_unreadable:
        raise DatasetError(
            f"{len(held)} rows one after the other cannot be read, the first is "
            f"{held[0].source}: {held[0].error}; they are not recorded, and what stands before "
            "them is done: when they can be read the same command goes on from there"
        )
    yield from held


def check_readable(rows: Iterator[Row], most_unreadable: int) -> None:
    """Return once one row can be read.

    Raises:
        UnreadableError: none can, of all or of so many at the beginning.
    """
    next(counted(rows, Counts(), most_unreadable), None)
