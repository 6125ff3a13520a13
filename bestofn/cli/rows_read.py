"""Rows that a command reads one by one: where from, and how it ends where some cannot be read."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from bestofn.core.errors import ConfigError, UnreadableError

if TYPE_CHECKING:
    from bestofn.dataset.prompts.json_records import InputRecord
    from bestofn.dataset.prompts.reader import Records

STANDARD_INPUT = "-"

LONGEST_PIPED = 2**31
"""Bytes of one line of it, which may be an array."""


def records_of(source: str, *, split: str | None = None, name: str | None = None) -> Records:
    """The records of an input, as `sample` reads them, or of standard input.

    Args:
        source: see `bestofn.dataset.prompts.reader.open_records`; `STANDARD_INPUT`: JSON lines, or
            an array.
        split: of a folder or a dataset.
        name: of a configuration.

    Raises:
        ConfigError: it cannot be read, or a split of standard input is asked for.
    """
    from bestofn.dataset.prompts.reader import Records, open_records

    if source != STANDARD_INPUT:
        path = Path(source).expanduser()
        if path.exists() and not (path.is_file() or path.is_dir()):
            raise ConfigError(f"{source} is a pipe or a device, not a file: - reads standard input")
        return open_records(source, split=split, name=name)
    if split is not None or name is not None:
        raise ConfigError("standard input is no dataset: it has no --split and no --name")
    return Records(_piped(standard_input(), source))


def _piped(file: BinaryIO, called: str) -> Iterator[InputRecord]:
    from bestofn.dataset.prompts.json_records import json_records
    from bestofn.support.bounded_lines import bounded_lines

    try:
        yield from json_records(called, bounded_lines(file, called, LONGEST_PIPED), by_line=True)
    except OSError as error:  # the terminal has gone
        raise ConfigError(f"standard input cannot be read: {error.strerror or error}") from error


def standard_input() -> BinaryIO:
    """What is piped in, as bytes.

    Raises:
        ConfigError: it is closed (`<&-`).
    """
    if sys.stdin is None:
        raise ConfigError("standard input is closed")
    return sys.stdin.buffer


def check_read(source: str, rows: int, broken: int) -> None:
    """See that all rows of an input were read; each that was not has been told by itself.

    Args:
        source: what was read.
        rows: that it has.
        broken: how many of them could not be read.

    Raises:
        UnreadableError: none could, as where `sample` reads nothing.
        ConfigError: some could not, or there are none.
    """
    if not rows:
        raise ConfigError(f"{source}: no rows")
    if broken == rows:
        raise UnreadableError(f"{source}: none of {rows} rows can be read")
    if broken:
        raise ConfigError(f"{source}: {broken} of {rows} rows cannot be read")
