"""Journal of a run: the finished rows that are in no shard yet, safe from a kill at any moment.

A line is a record in JSON, a tab, and the CRC-32 of the JSON in hex. What 0.1 wrote has no sum.
"""

from __future__ import annotations

import contextlib
import json
import os
import zlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from bestofn.dataset.store.atomic_files import replace_file
from bestofn.dataset.store.records import Record, defect, upgraded

JOURNAL = "journal.jsonl"


@dataclass(slots=True)
class JournalContents:
    """What a journal holds.

    Args:
        records: by the number of their row; of one that is there twice the later.
        damaged: the lines that are no record, or not as they were written, from 1. What a kill left
            of the last line is none of these: it never counted.
    """

    records: dict[int, Record] = field(default_factory=dict)
    damaged: list[int] = field(default_factory=list)


def read_journal(path: Path) -> JournalContents:
    """What the journal at a path holds; nothing where there is none. The file is left alone."""
    contents = JournalContents()
    if not path.is_file():
        return contents
    with path.open("rb") as lines:
        for number, line in enumerate(lines, start=1):
            if not line.endswith(b"\n"):
                break
            record = _record(line)
            if record is None:
                contents.damaged.append(number)
            else:
                contents.records[record["row"]] = record
    return contents


class Journal:
    """An append-only file of records. A line counts once it ends.

    Args:
        path: the file; made by the first `append`.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: BinaryIO | None = None

    def read(self) -> JournalContents:
        """What it holds; to be called before the first `append`."""
        return read_journal(self._path)

    def append(self, records: Iterable[Record]) -> None:
        """Write records and wait until they are on the disk."""
        if self._file is None:
            self._file = self._path.open("ab")
        before = self._file.tell()
        try:
            self._file.write(b"".join(map(_line, records)))
            self._file.flush()
            os.fsync(self._file.fileno())
        except OSError:  # half a line would spoil the next one
            with contextlib.suppress(OSError):
                self._file.close()
            self._file = None
            with contextlib.suppress(OSError):
                os.truncate(self._path, before)
            raise

    def keep(self, records: Iterable[Record]) -> None:
        """Replace all that it holds."""
        self.close()
        replace_file(self._path, lambda path: _fill(path, records))

    def close(self) -> None:
        """Close the file; the next `append` opens it again."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def remove(self) -> None:
        """Take the file away."""
        self.close()
        self._path.unlink(missing_ok=True)


def _fill(path: Path, records: Iterable[Record]) -> None:
    with path.open("wb") as file:
        for record in records:
            file.write(_line(record))


def _line(record: Record) -> bytes:
    text = json.dumps(record, ensure_ascii=False, separators=(",", ":")).encode()
    return text + _sum(text) + b"\n"


def _sum(text: bytes) -> bytes:
    return b"\t%08x" % zlib.crc32(text)  # JSON has no tab but between its values, and these none


def _record(line: bytes) -> Record | None:
    """The record of a line; None: the line is damaged."""
    text, tab, _ = line.partition(b"\t")
    if tab and line != text + _sum(text) + b"\n":
        return None
    try:
        record: Any = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return None if defect(record) else upgraded(record)
