"""Reader of the input, record by record: files of lines, arrays, tables and Parquet, packed or not;
folders of them; datasets that were saved; datasets of the hub.

Nothing is held but the record at hand (of Parquet a batch, of an array its line), so an input may
be of any length.
"""

from __future__ import annotations

import copy
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bestofn.core.errors import ConfigError
from bestofn.dataset.prompts.csv_records import csv_records
from bestofn.dataset.prompts.files import (
    PACKED,
    READ,
    SEPARATED,
    is_table,
    open_text,
    suffix_of,
)
from bestofn.dataset.prompts.folders import TRAIN, choose_split, data_files
from bestofn.dataset.prompts.json_records import InputRecord, json_records
from bestofn.support.bounded_lines import LONGEST, bounded_lines
from bestofn.support.error_text import first_line

if TYPE_CHECKING:
    import pyarrow

BATCH = 256
"""Rows of a Parquet file that are held at once."""

_SAVED = ("state.json", "dataset_dict.json")
"""What `Dataset.save_to_disk` and `DatasetDict.save_to_disk` leave."""


@dataclass(frozen=True, slots=True)
class Records:
    """The records of an input.

    Args:
        records: in order.
        told: what of a folder or a dataset is read, for a reader; '' of a file, which is read
            whole.
    """

    records: Iterator[InputRecord]
    told: str = ""


def read_records(
    source: str, *, split: str | None = None, name: str | None = None
) -> Iterator[InputRecord]:
    """The records of an input, in order; see `open_records`, whose errors come here with the first
    record."""
    yield from open_records(source, split=split, name=name).records


def open_records(source: str, *, split: str | None = None, name: str | None = None) -> Records:
    """The records of an input.

    Args:
        source: a file (JSON lines, a JSON array, CSV, TSV, Parquet; also packed with gzip, zstd,
            bzip2, xz or lz4), a folder of such files or of a saved dataset, or the name of a
            dataset on the hub, which is streamed.
        split: of a folder or a dataset; None: train, or the only one that there is.
        name: of a configuration of a folder or a dataset.

    Raises:
        ConfigError: there is no such input, it holds nothing that is read here, it has no such
            split or configuration, or none at all, as a file, or it cannot be read at all.
    """
    if source == "-":
        raise ConfigError(
            "- is standard input, which can be read once, and this input is read again when the "
            "command goes on: write it into a file"
        )
    path = Path(source).expanduser()
    if path.is_file():
        _refuse(source, "a file", split=split, name=name)
        return Records(_file(path, path.name))
    if path.is_dir() and any((path / each).is_file() for each in _SAVED):
        _refuse(source, "a dataset that was saved", name=name)
        return _saved(path, split)
    if path.is_dir():
        chosen = data_files(path, split, name)
        records = (
            record for each in chosen.paths for record in _file(each, os.path.relpath(each, path))
        )
        return Records(records, chosen.described(path))
    if path.exists():
        raise ConfigError(
            f"{source} is a pipe or a device, not a file, and this input is read more than once: "
            "write it into a file"
        )
    if path.is_absolute() or source.startswith((".", "~")) or _is_called_a_file(path):
        raise ConfigError(f"{source}: no such file")
    return _hub(source, split, name)


def _refuse(source: str, kind: str, **flags: str | None) -> None:
    """Refuse what nothing would come of.

    Raises:
        ConfigError: one of the flags is given.
    """
    for flag, given in flags.items():
        if given is not None:
            raise ConfigError(
                f"{source} is {kind}: there is nothing that --{flag} could choose of it"
            )


def _is_called_a_file(path: Path) -> bool:
    return suffix_of(path) in READ or path.suffix.lower() in PACKED


def _file(path: Path, called: str) -> Iterator[InputRecord]:
    """The records of a file, which is called so where they stand."""
    import pyarrow

    try:
        if is_table(path):
            yield from _table(path, called)
            return
        kind = suffix_of(path)
        with open_text(path) as file:
            if kind in SEPARATED:
                yield from csv_records(called, file, tabs=kind == ".tsv")
            else:
                # What is not packed may be an array in one line, however long: it is there.
                lines = bounded_lines(file, called, max(LONGEST, path.stat().st_size))
                yield from json_records(called, lines, by_line=kind in (".jsonl", ".ndjson"))
    except (OSError, EOFError, ValueError, OverflowError, pyarrow.ArrowException) as error:
        raise ConfigError(f"{path} cannot be read: {first_line(error)}") from error


def _table(path: Path, called: str) -> Iterator[InputRecord]:
    import pyarrow.parquet

    number = 0
    with pyarrow.parquet.ParquetFile(path) as file:
        for batch in file.iter_batches(batch_size=BATCH):
            for record in _rows(batch):
                yield f"{called}, row {number}", record
                number += 1


def _rows(batch: pyarrow.RecordBatch) -> Iterator[dict[str, Any] | str]:
    """The rows of a batch; of a text that is no UTF-8, or a date that Python has no place for, only
    its own row suffers."""
    try:
        yield from batch.to_pylist()
    except (ValueError, OverflowError):
        for at in range(batch.num_rows):
            try:
                yield from batch.slice(at, 1).to_pylist()
            except UnicodeDecodeError:
                yield "it is no UTF-8"
            except (ValueError, OverflowError) as error:
                yield f"it holds a value that cannot be read: {first_line(error)}"


def _saved(path: Path, split: str | None) -> Records:
    from datasets import DatasetDict, load_from_disk

    try:
        held: Any = load_from_disk(str(path))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ConfigError(f"{path} cannot be read: {first_line(error)}") from error
    if isinstance(held, DatasetDict):
        chosen = choose_split(list(map(str, held)), split, str(path))
        held = held[chosen]
    else:
        chosen = str(held.split or TRAIN)
        choose_split([chosen], split, str(path))
    return Records(_numbered(path.name, held), f"split {chosen}")


def _numbered(called: str, rows: Any) -> Iterator[InputRecord]:
    """The rows of a dataset.

    Raises:
        ConfigError: one of them cannot be read, so those that follow cannot either.
    """
    import pyarrow
    from datasets.exceptions import DatasetsError

    from bestofn.support.checkpoint import HTTP_ERROR

    number = -1
    try:
        for number, record in enumerate(_as_stored(rows)):
            yield f"{called}, row {number}", record
    except (
        OSError,
        ValueError,
        OverflowError,
        RuntimeError,
        DatasetsError,
        HTTP_ERROR,
        pyarrow.ArrowException,
    ) as e:
        raise ConfigError(f"{called}, row {number + 1} cannot be read: {first_line(e)}") from e


def _as_stored(rows: Any) -> Iterator[dict[str, Any] | str]:
    """The rows of a dataset; pictures and sounds as their bytes, which nobody here looks at."""
    features = copy.deepcopy(rows.features)
    if not features or not _leave_as_bytes(features):
        yield from rows
        return
    for table in rows.with_format("arrow").iter(batch_size=1):  # pictures are large
        for batch in table.to_batches():
            for record in _rows(batch):
                yield features.decode_example(record) if isinstance(record, dict) else record


def _leave_as_bytes(feature: Any) -> bool:
    """Have pictures and sounds of a feature left as they are stored; whether it has any."""
    if isinstance(feature, dict | list | tuple):
        parts = feature.values() if isinstance(feature, dict) else feature
        return any(list(map(_leave_as_bytes, parts)))  # of each of them
    if hasattr(feature, "feature"):  # of a list
        return _leave_as_bytes(feature.feature)
    if not hasattr(feature, "decode") or type(feature).__name__ == "Json":
        return False
    feature.decode = False
    return True


def _hub(source: str, split: str | None, name: str | None) -> Records:
    from datasets import load_dataset
    from datasets.exceptions import DatasetNotFoundError

    from bestofn.support.checkpoint import HTTP_ERROR

    try:
        held: Any = load_dataset(source, name, split=split, streaming=True)
    except DatasetNotFoundError as error:
        raise ConfigError(f"{source} is neither a file nor a dataset on the hub") from error
    except (OSError, ValueError, RuntimeError, HTTP_ERROR) as error:
        raise ConfigError(f"{source} cannot be read: {first_line(error)}") from error
    if split is None:
        split = choose_split(held, None, source)
        held = held[split]
    return Records(_numbered(source, held), f"split {split}")
