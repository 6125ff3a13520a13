"""Journal of a run: the finished rows that are in no shard yet, safe from a kill at any moment."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

from bestofn.dataset.store.atomic_files import replace_file
from bestofn.dataset.store.records import Record, upgraded

JOURNAL = "journal.jsonl"


class Journal:
    """An append-only file of records, one JSON object a line.

    A line counts once it ends: what a kill left of the last one is cut off when the journal is
    opened, and its row is sampled again.

    Args:
        path: the file; made if it is not there.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: BinaryIO | None = None

    def read(self) -> Iterator[Record]:
        """Its records, oldest first; to be called before the first `append`."""
        if not self._path.is_file():
            return
        whole = 0
        with self._path.open("rb") as lines:
            for line in lines:
                try:
                    record: Record = json.loads(line)
                except ValueError:
                    break
                if not line.endswith(b"\n"):
                    break
                whole += len(line)
                yield upgraded(record)
        if whole < self._path.stat().st_size:
            os.truncate(self._path, whole)

    def append(self, records: Iterable[Record]) -> None:
        """Write records and wait until they are on the disk."""
        if self._file is None:
            self._file = self._path.open("ab")
        self._file.write(b"".join(map(_line, records)))
        self._file.flush()
        os.fsync(self._file.fileno())

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
    return json.dumps(record, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
