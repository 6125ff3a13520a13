"""Shards of a run: Parquet files of records, compressed with zstd."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from bestofn.core.errors import ConfigError
from bestofn.dataset.store.records import Record, schema, upgraded
from bestofn.support.error_text import first_line


def read_columns(path: Path, names: list[str]) -> dict[str, list[Any]]:
    """These columns of a shard, by name; errors as `read_shard`."""
    import pyarrow
    import pyarrow.parquet

    try:
        table = pyarrow.parquet.read_table(path, columns=names)
    except (OSError, pyarrow.ArrowException) as error:
        raise _broken(path, error) from error
    return {name: table.column(name).to_pylist() for name in names}


def _broken(path: Path, error: Exception) -> ConfigError:
    return ConfigError(
        f"{path} cannot be read: {first_line(error)}. `bestofn verify` tells which shards are "
        "broken; take them away, and the same `bestofn sample` samples their rows again"
    )


def write_shard(path: Path, rows: Iterable[Record]) -> None:
    """Write records into a Parquet file, compressed with zstd."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pa.Table.from_pylist(list(rows), schema=schema())
    pq.write_table(table, path, compression="zstd")


def read_shard(path: Path) -> Iterator[Record]:
    """The records of a shard, in order.

    Raises:
        ConfigError: it cannot be read.
    """
    import pyarrow
    import pyarrow.parquet

    try:
        with pyarrow.parquet.ParquetFile(path) as file:
            for batch in file.iter_batches(batch_size=128):
                yield from map(upgraded, batch.to_pylist())
    except (OSError, pyarrow.ArrowException) as error:
        raise _broken(path, error) from error
