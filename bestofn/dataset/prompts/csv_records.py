"""CSV records: a line of column names, and under it a row of texts each; nothing is a null."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import BinaryIO

from bestofn.dataset.prompts.json_records import InputRecord

_SEPARATORS = (",", ";", "\t")
"""Of columns; a spreadsheet writes semicolons where the comma is in numbers."""

_LONGEST_FIELD = 2**31 - 1
"""Characters; Python's own limit, 131,072, is less than some prompts have."""


def csv_records(name: str, file: BinaryIO, *, tabs: bool = False) -> Iterator[InputRecord]:
    """The records of a table in text, in order, each with the line that it ends in.

    Args:
        name: of the file, for a reader.
        file: its bytes, in UTF-8; what is no UTF-8 costs its own row.
        tabs: whether columns are separated by tabs; else by whatever the first line holds most of.
    """
    csv.field_size_limit(_LONGEST_FIELD)
    with io.TextIOWrapper(file, "utf-8-sig", errors="surrogateescape", newline="") as text:
        head = text.readline()
        separator = "\t" if tabs else max(_SEPARATORS, key=head.count)
        columns = next(csv.reader([head], delimiter=separator), [])
        rows = csv.reader(text, delimiter=separator)
        while True:
            try:
                cells = next(rows)
            except StopIteration:
                return
            except csv.Error as error:
                yield f"{name}:{rows.line_num + 1}", f"it is no CSV: {error}"
                continue
            if cells:
                yield f"{name}:{rows.line_num + 1}", _row(columns, cells)


def _row(columns: list[str], cells: list[str]) -> dict[str, str] | str:
    if len(cells) > len(columns):
        return f"it has {len(cells)} cells, and the first line names {len(columns)} columns"
    try:
        "".join(cells).encode()
    except UnicodeEncodeError:  # bytes that did not decode
        return "it is no UTF-8"
    return {column: cell for column, cell in zip(columns, cells, strict=False) if cell}
