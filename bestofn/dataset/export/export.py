"""Export of a run's records in the formats of trainers, as Parquet and JSONL. Needs no GPU."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from bestofn.dataset.export.exported import Exported, metadata_of, table_of
from bestofn.dataset.export.formats import NAMES, holds_more_than_text, rows_of, schema_of
from bestofn.dataset.export.options import ExportOptions
from bestofn.dataset.store.atomic_files import partial_of, put_in_place
from bestofn.dataset.store.records import Record
from bestofn.settings.choices import FormatName
from bestofn.support.alone import alone
from bestofn.support.disk_faults import disk_faults

if TYPE_CHECKING:
    import pyarrow
    import pyarrow.parquet

BATCH = 1000
"""Rows that are held as Python's objects, until they become a table and lines of text."""

SMALLEST_GROUP, LARGEST_GROUP, GROUPS = 2**20, 2**25, 100
"""Bytes of a row group of a Parquet file, and how many there are before they grow.

A writer keeps some kilobytes about each group and column until the file is closed, so groups grow
with the file: their number rises with the logarithm of its size, and then, from 3 GiB, slowly.
"""

PATIENCE = 600
"""Seconds that another process's export of the same run is waited for."""

NEEDS_TEXT = frozenset(NAMES) - {"candidates"}
"""Formats whose messages are role and text."""


def export(
    folder: Path, rollouts: Iterable[Record], names: Sequence[FormatName], options: ExportOptions
) -> list[Exported]:
    """Write the formats of a run into its folder: `NAME/train.parquet` and `NAME/train.jsonl`.

    What is there already is replaced when the new is whole. The records are read once, and one
    row group is held for each format.

    Args:
        folder: of the run.
        rollouts: its records, in the order of the input, which is that of the rows.
        names: the formats.
        options: what is kept.

    Raises:
        DatasetError: the disk does not let it.
        ConfigError: a shard cannot be read, or another process exports the run for too long.
    """
    with disk_faults(folder), contextlib.ExitStack() as stack:
        # Two at once would write into the same files beside those that they replace.
        stack.enter_context(alone(folder / "export", PATIENCE))
        writers = [stack.enter_context(_writer(folder, name, options)) for name in names]
        for record in rollouts:
            more = holds_more_than_text(record)
            for writer in writers:
                if more and writer.exported.name in NEEDS_TEXT:
                    writer.exported.skipped += 1
                    continue
                rows = list(rows_of(writer.exported.name, record, options))
                writer.add(rows)
        for writer in writers:
            writer.finish()
    return [writer.exported for writer in writers]


class _Writer:
    def __init__(
        self, exported: Exported, table: pyarrow.parquet.ParquetWriter, lines: IO[str]
    ) -> None:
        self.exported = exported
        self._table = table
        self._lines = lines
        self._batch: list[dict[str, Any]] = []
        self._group: list[pyarrow.Table] = []
        self._written = 0

    def add(self, rows: Sequence[dict[str, Any]]) -> None:
        self.exported.rows += len(rows)
        self.exported.prompts += bool(rows)
        self._batch += rows
        if len(self._batch) >= BATCH:
            self._end_batch()
            smallest = min(max(SMALLEST_GROUP, self._written // GROUPS), LARGEST_GROUP)
            if sum(each.nbytes for each in self._group) >= smallest:
                self._end_group()

    def finish(self) -> None:
        """Write what is held."""
        if self._batch:
            self._end_batch()
        if self._group:
            self._end_group()

    def _end_batch(self) -> None:
        import pyarrow as pa

        self._group.append(pa.Table.from_pylist(self._batch, schema_of(self.exported.name)))
        self._lines.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in self._batch)
        self._batch = []

    def _end_group(self) -> None:
        import pyarrow as pa

        table = pa.concat_tables(self._group)
        self._table.write_table(table, row_group_size=table.num_rows)
        self._written += table.nbytes
        self._group = []


@contextlib.contextmanager
def _writer(folder: Path, name: FormatName, options: ExportOptions) -> Iterator[_Writer]:
    import pyarrow.parquet as pq

    table = table_of(folder, name)
    target, lines = table.parent, table.with_suffix(".jsonl")
    target.mkdir(exist_ok=True)
    exported = Exported(name, kept=options.rule.described)
    schema = schema_of(name).with_metadata(metadata_of(options.rule.described))
    partial_files = [partial_of(path) for path in (table, lines)]
    try:
        with (
            pq.ParquetWriter(partial_files[0], schema, compression="zstd") as parquet,
            partial_files[1].open("w", encoding="utf-8") as text,
        ):
            yield _Writer(exported, parquet, text)
        for partial, whole in zip(partial_files, (table, lines), strict=True):
            put_in_place(partial, whole)
    finally:
        for partial in partial_files:
            partial.unlink(missing_ok=True)
