"""Reader of the input, record by record: JSONL, Parquet, folders of them, datasets of the hub.

Nothing is held but the record at hand (of Parquet: a batch), so an input may be of any length.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from bestofn.core.errors import ConfigError
from bestofn.support.error_text import first_line

InputRecord = tuple[str, Mapping[str, Any] | str]
"""Where it stands, and its columns; a text instead of these says why it cannot be read."""

LINES = frozenset({".jsonl", ".ndjson", ".json"})
TABLES = frozenset({".parquet"})
BATCH = 256
"""Rows of a Parquet file that are held at once."""


def read_records(
    source: str, *, split: str = "train", name: str | None = None
) -> Iterator[InputRecord]:
    """The records of an input, in order.

    Args:
        source: a file (JSONL, Parquet), a folder of such files (read in the order of their names)
            or of a saved dataset, or the name of a dataset on the hub, which is streamed.
        split: of a dataset.
        name: of a dataset's configuration.

    Raises:
        ConfigError: there is no such input, it holds nothing that is read here, or it cannot be
            read at all.
    """
    path = Path(source).expanduser()
    if path.is_file():
        yield from _file(path)
    elif path.is_dir() and any((path / each).is_file() for each in _SAVED):
        yield from _saved(path, split)
    elif path.is_dir():
        files = sorted(each for each in path.rglob("*") if each.suffix in LINES | TABLES)
        if not files:
            raise ConfigError(f"{source} holds neither *.jsonl nor *.parquet")
        for each in files:
            yield from _file(each)
    elif path.is_absolute() or source.startswith((".", "~")) or path.suffix in LINES | TABLES:
        raise ConfigError(f"{source}: no such file")
    else:
        yield from _hub(source, split, name)


_SAVED = ("dataset_info.json", "dataset_dict.json")
"""What `Dataset.save_to_disk` leaves."""


def _file(path: Path) -> Iterator[InputRecord]:
    return _table(path) if path.suffix in TABLES else _lines(path)


def _lines(path: Path) -> Iterator[InputRecord]:
    try:
        with path.open("rb") as lines:
            for number, line in enumerate(lines, start=1):
                if line.strip():
                    yield f"{path.name}:{number}", _parsed(line)
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {first_line(error)}") from error


def _parsed(line: bytes) -> Mapping[str, Any] | str:
    try:
        record = json.loads(line)
    except ValueError as error:  # no JSON, or no UTF-8
        return f"it is no JSON: {first_line(error)}"
    if not isinstance(record, dict):
        return f"it is no JSON object but {type(record).__name__}"
    return record


def _table(path: Path) -> Iterator[InputRecord]:
    import pyarrow
    import pyarrow.parquet

    number = 0
    try:
        with pyarrow.parquet.ParquetFile(path) as file:
            for batch in file.iter_batches(batch_size=BATCH):
                for record in batch.to_pylist():
                    yield f"{path.name}, row {number}", record
                    number += 1
    except (OSError, pyarrow.ArrowException) as error:
        raise ConfigError(f"{path} cannot be read: {first_line(error)}") from error


def _saved(path: Path, split: str) -> Iterator[InputRecord]:
    from datasets import DatasetDict, load_from_disk

    try:
        held = load_from_disk(str(path))
        chosen = held[split] if isinstance(held, DatasetDict) else held
    except (OSError, ValueError, KeyError) as error:
        raise ConfigError(f"{path} cannot be read: {first_line(error)}") from error
    record: Any
    for number, record in enumerate(chosen):
        yield f"{path.name}, row {number}", record


def _hub(source: str, split: str, name: str | None) -> Iterator[InputRecord]:
    from datasets import load_dataset
    from datasets.exceptions import DatasetNotFoundError

    try:
        held = load_dataset(source, name, split=split, streaming=True)
    except DatasetNotFoundError as error:
        raise ConfigError(f"{source} is neither a file nor a dataset on the hub") from error
    except (OSError, ValueError, RuntimeError) as error:
        raise ConfigError(f"{source} cannot be read: {first_line(error)}") from error
    for number, record in enumerate(held):
        yield f"{source}, row {number}", record
