"""Shards of a run: Parquet files of records, compressed with zstd."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from bestofn.core.errors import ConfigError
from bestofn.dataset.store.atomic_files import sha256
from bestofn.dataset.store.manifest import Shard
from bestofn.dataset.store.records import Record, schema, upgraded
from bestofn.support.error_text import first_line

ROLLOUTS = "rollouts"
"""The folder of the shards in that of a run."""


def shard_name(k: int) -> str:
    """The file name of shard k."""
    return f"part-{k:06}.parquet"


def shard_number(name: str) -> int:
    """The number of the shard that is called so."""
    return int(name.removeprefix("part-").removesuffix(".parquet"))


def shard_files(folder: Path) -> list[Path]:
    """The files of a run that are called as its shards are, in order; a copy of one, by whatever
    name, is none."""
    there = (folder / ROLLOUTS).glob("part-*.parquet")
    return sorted(path for path in there if is_shard_name(path.name))


def is_shard_name(name: str) -> bool:
    """Whether a shard may be called so."""
    number = name.removeprefix("part-").removesuffix(".parquet")
    return number.isascii() and number.isdigit() and name == shard_name(int(number))


def check_shard(path: Path, shard: Shard) -> None:
    """Return if a shard is what was written.

    Raises:
        ConfigError: it is gone, or its bytes are others.
    """
    try:
        if path.stat().st_size != shard.bytes or sha256(path) != shard.sha256:
            raise _broken(path, "it is not what was written")
    except OSError as error:
        raise _broken(path, first_line(error)) from error


def read_columns(path: Path, names: list[str]) -> dict[str, list[Any]]:
    """These columns of a shard, by name; errors as `read_shard`."""
    import pyarrow
    import pyarrow.parquet

    try:
        table = pyarrow.parquet.read_table(path, columns=names)
    except (OSError, pyarrow.ArrowException) as error:
        raise _broken(path, first_line(error)) from error
    return {name: table.column(name).to_pylist() for name in names}


def _broken(path: Path, why: str) -> ConfigError:
    return ConfigError(
        f"{path} cannot be read: {why}. `bestofn verify` tells which shards are "
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
        raise _broken(path, first_line(error)) from error
