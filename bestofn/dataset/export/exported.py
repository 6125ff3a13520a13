"""Formats that a run's folder holds, whenever they were exported, each told by its own file.

The rule by which candidates were kept stands in the Parquet file, so that it is there as long as
the rows are.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from bestofn.core.errors import ConfigError
from bestofn.dataset.export.formats import NAMES
from bestofn.settings.choices import FormatName
from bestofn.support.error_text import first_line

KEPT = b"bestofn.kept"
"""Under what a Parquet file's metadata has the rule; those of 0.1.0 have none."""


@dataclass(slots=True)
class Exported:
    """What became of one format.

    Args:
        name: the format's.
        rows: written.
        prompts: records that gave at least one.
        skipped: records whose messages hold more than text (tool calls, images); as far as it is
            known, which a file does not tell.
        kept: the rule, for a reader; None: nobody wrote it down.
    """

    name: FormatName
    rows: int = 0
    prompts: int = 0
    skipped: int = 0
    kept: str | None = None


def table_of(folder: Path, name: FormatName) -> Path:
    """The Parquet file of a format."""
    return folder / name / "train.parquet"


def metadata_of(kept: str) -> Mapping[bytes, bytes]:
    """What a Parquet file says of itself."""
    return {KEPT: kept.encode()}


def exported_in(folder: Path) -> list[Exported]:
    """The formats that are there, in the order of `NAMES`.

    Args:
        folder: of the run.

    Raises:
        ConfigError: one of them cannot be read.
    """
    return [_read(folder, name) for name in names_in(folder)]


def names_in(folder: Path) -> list[FormatName]:
    """The names of the formats that are there, whether or not they can be read."""
    return [name for name in NAMES if table_of(folder, name).is_file()]


def unreadable_in(folder: Path) -> Iterator[str]:
    """A sentence for each file of a format that is there and cannot be read to its end."""
    import pyarrow

    for name in names_in(folder):
        table = table_of(folder, name)
        for path in filter(Path.is_file, (table, table.with_suffix(".jsonl"))):
            try:
                _read_through(path)
            except (OSError, ValueError, pyarrow.ArrowException) as error:
                yield (
                    f"{path} cannot be read; `--format {name}` of `bestofn export` writes it anew "
                    f"({first_line(error)})"
                )


def _read_through(path: Path) -> None:
    import pyarrow.parquet as pq

    if path.suffix == ".jsonl":
        with path.open(encoding="utf-8") as lines:
            for line in lines:
                json.loads(line)
        return
    with pq.ParquetFile(path) as file:
        for _ in file.iter_batches(batch_size=1024):
            pass


def _read(folder: Path, name: FormatName) -> Exported:
    import pyarrow
    import pyarrow.parquet as pq

    path = table_of(folder, name)
    try:
        with pq.ParquetFile(path) as file:
            kept = (file.schema_arrow.metadata or {}).get(KEPT)
            found = Exported(name, kept=None if kept is None else kept.decode())
            last = None
            for batch in file.iter_batches(columns=["row"]):
                for row in batch.column(0).to_pylist():  # those of a prompt follow one another
                    found.rows += 1
                    found.prompts += row != last
                    last = row
    except (OSError, KeyError, ValueError, pyarrow.ArrowException) as error:
        raise ConfigError(
            f"{path} cannot be read, so the card does not name it: `bestofn export --format "
            f"{name}` writes it anew ({first_line(error)})"
        ) from error
    return found
