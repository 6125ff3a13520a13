"""Owns exports: a run's records in the formats of trainers, as Parquet and JSONL. Needs no GPU."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from bestofn.dataset.files import disk_faults, sync_folder
from bestofn.dataset.formats import NAMES, Choice, rows_of, schema_of, skipped
from bestofn.dataset.records import Record
from bestofn.types import FormatName

BATCH = 1000
"""Rows that are written at once, as one group of the Parquet file."""

NEEDS_TEXT = frozenset(NAMES) - {"candidates"}
"""Formats whose messages are role and text."""


@dataclass(slots=True)
class Exported:
    """What became of one format.

    Args:
        name: the format's.
        rows: written.
        prompts: records that gave at least one.
        skipped: records whose messages hold more than text (tool calls, images).
    """

    name: FormatName
    rows: int = 0
    prompts: int = 0
    skipped: int = 0


def export(
    folder: Path, rollouts: Iterable[Record], names: Sequence[FormatName], choice: Choice
) -> list[Exported]:
    """Write the formats of a run into its folder: `NAME/train.parquet` and `NAME/train.jsonl`.

    What is there already is replaced when the new is whole. The records are read once, and one
    batch of rows is held for each format.

    Args:
        folder: of the run.
        rollouts: its records, in the order of the input, which is that of the rows.
        names: the formats.
        choice: what is kept.

    Raises:
        DatasetError: the disk does not let it.
        ConfigError: a shard cannot be read.
    """
    with disk_faults(folder), contextlib.ExitStack() as stack:
        writers = [stack.enter_context(_writer(folder, name)) for name in names]
        for record in rollouts:
            odd = skipped(record)
            for writer in writers:
                if odd and writer.told.name in NEEDS_TEXT:
                    writer.told.skipped += 1
                    continue
                rows = list(rows_of(writer.told.name, record, choice))
                writer.add(rows)
        for writer in writers:
            writer.flush()
    return [writer.told for writer in writers]


class _Writer:
    def __init__(self, name: FormatName, table: Any, lines: IO[str]) -> None:
        self.told = Exported(name)
        self._table = table
        self._lines = lines
        self._batch: list[dict[str, Any]] = []

    def add(self, rows: Sequence[dict[str, Any]]) -> None:
        self.told.rows += len(rows)
        self.told.prompts += bool(rows)
        self._batch += rows
        if len(self._batch) >= BATCH:
            self.flush()

    def flush(self) -> None:
        import pyarrow as pa

        if self._batch:
            self._table.write_table(pa.Table.from_pylist(self._batch, schema_of(self.told.name)))
            self._lines.writelines(
                json.dumps(row, ensure_ascii=False) + "\n" for row in self._batch
            )
            self._batch = []


@contextlib.contextmanager
def _writer(folder: Path, name: FormatName) -> Iterator[_Writer]:
    import pyarrow.parquet as pq

    target = folder / name
    target.mkdir(exist_ok=True)
    table, lines = target / "train.parquet", target / "train.jsonl"
    halves = [path.with_name(f".{path.name}.part") for path in (table, lines)]
    try:
        with (
            pq.ParquetWriter(halves[0], schema_of(name), compression="zstd") as parquet,
            halves[1].open("w", encoding="utf-8") as text,
        ):
            yield _Writer(name, parquet, text)
        for half, whole in zip(halves, (table, lines), strict=True):
            half.replace(whole)
        sync_folder(target)
    finally:
        for half in halves:
            half.unlink(missing_ok=True)
