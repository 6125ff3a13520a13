"""CSV records: a line of column names, and under it a row of texts each; nothing is a null.

A row goes on over lines within quotes. A quote that was never meant to open anything would take the
rows below into its own: such a row costs itself with a word, and where the quote is never closed
that is an error, and not a row that holds the rest of the file.
"""

from __future__ import annotations

import csv
import functools
import io
import itertools
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import BinaryIO

from bestofn.core.errors import ConfigError
from bestofn.dataset.prompts.json_records import LONGEST_RECORD, InputRecord

_SEPARATORS = (",", ";", "\t")
"""Of columns; a spreadsheet writes semicolons where the comma is in numbers."""

MOST_COLUMNS = 10_000
"""Of a table: every row has a value for each, so a short row costs as much as a long one."""

_LONGEST_FIELD = 2**31 - 1
"""Characters; Python's own limit, 131,072, is less than some prompts have."""

_BLANK_BEHIND_QUOTE = re.compile(r'" +(?=[,;\t\r\n]|$)')


def csv_records(name: str, file: BinaryIO, *, tabs: bool = False) -> Iterator[InputRecord]:
    """The records of a table in text, in order, each with the line that it ends in.

    Args:
        name: of the file, for a reader.
        file: its bytes, in UTF-8; what is no UTF-8 costs its own row.
        tabs: whether columns are separated by tabs; else by whatever the first line holds most of.

    Raises:
        ConfigError: it ends within quotes, a row is too long to be one, or it has too many columns.
            What stands before that has been given.
    """
    csv.field_size_limit(_LONGEST_FIELD)
    with io.TextIOWrapper(file, "utf-8-sig", errors="surrogateescape", newline="") as text:
        pieces = iter(functools.partial(text.readline, LONGEST_RECORD + 1), "")
        head = next(pieces, "")
        separator = "\t" if tabs else max(_SEPARATORS, key=head.count)
        lines = _Lines(name, itertools.chain([head], pieces))
        rows = csv.reader(lines, delimiter=separator)
        columns: list[str] | None = None
        while True:
            lines.begin_row()
            try:
                cells = next(rows)
            except StopIteration:
                return
            except csv.Error as error:
                yield f"{name}:{rows.line_num}", f"it is no CSV: {error}"
                continue
            lines.check_end()
            if columns is None:
                if len(cells) > MOST_COLUMNS:
                    raise ConfigError(
                        f"{name}: the first line names {len(cells):,} columns; at most "
                        f"{MOST_COLUMNS:,} are read"
                    )
                columns = _names(cells)
            elif cells:
                fault = lines.fault(separator)
                yield f"{name}:{rows.line_num}", fault or _row(columns, cells)


class _Lines:
    """The lines of a table as its reader takes them, those of the row at hand held.

    Args:
        name: of the file, for a reader.
        lines: of the file.
    """

    def __init__(self, name: str, lines: Iterable[str]) -> None:
        self._name = name
        self._lines = iter(lines)
        self._row: list[str] = []
        self._size = 0
        self._read = 0
        self._ended = False

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = next(self._lines, None)
        if line is None:
            self._ended = True
            raise StopIteration
        self._row.append(line)
        self._read += 1
        self._size += len(line)
        if self._size > LONGEST_RECORD:
            raise ConfigError(
                f"{self._name}:{self._began}: the row that begins there is longer than "
                f"{LONGEST_RECORD:,} characters: is a quote in it not closed?"
            )
        return line

    @property
    def _began(self) -> int:
        """The line that the row at hand begins in."""
        return self._read - len(self._row) + 1

    def begin_row(self) -> None:
        """Let go of the lines of the row before."""
        self._row = []
        self._size = 0

    def check_end(self) -> None:
        """Return if the row at hand has ended by itself.

        Raises:
            ConfigError: it ended because the file did.
        """
        if self._ended:
            raise ConfigError(
                f"{self._name}:{self._began}: the file ends within the row that begins there: a "
                "quote in it is not closed, or the file was cut off"
            )

    def fault(self, separator: str) -> str:
        """Why the row at hand, which is over several lines, is none; '' where it is one.

        The reader takes any text behind a closing quote. Over lines that is no slip within a cell,
        unless it is blank: the quote that opened stands alone, and a later row's has closed it.
        """
        if len(self._row) == 1:
            return ""
        row = (_BLANK_BEHIND_QUOTE.sub('"', line) for line in self._row)
        try:
            list(csv.reader(row, delimiter=separator, strict=True))
        except csv.Error as error:
            return (
                f"it is no CSV: a quote opens in one of the lines {self._began} to {self._read} "
                f"and closes where none can, so these lines are not told apart ({error})"
            )
        return ""


def _names(cells: list[str]) -> list[str]:
    """The columns' names without blanks around them; of several of one name the later ones get a
    number, as pandas has it."""
    given = [cell.strip() for cell in cells]
    counts: Counter[str] = Counter()
    taken = set(given)
    names: dict[str, None] = {}
    for name in given:
        called = name
        while called in names or (called != name and called in taken):
            counts[name] += 1
            called = f"{name}.{counts[name]}"
        names[called] = None
    return list(names)


def _row(columns: list[str], cells: list[str]) -> dict[str, str | None] | str:
    if len(cells) > len(columns):
        return f"it has {len(cells)} cells, and the first line names {len(columns)} columns"
    try:
        "".join(cells).encode()
    except UnicodeEncodeError:  # bytes that did not decode
        return "it is no UTF-8"
    return {
        column: cell or None for column, cell in itertools.zip_longest(columns, cells, fillvalue="")
    }
