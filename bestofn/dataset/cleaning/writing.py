"""Files of JSON lines that are there whole or not at all."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any

from bestofn.core.errors import DatasetError
from bestofn.dataset.store.atomic_files import partial_of


@contextlib.contextmanager
def json_lines(path: Path | None) -> Iterator[Callable[[Mapping[str, Any]], None]]:
    """What writes a record as a line; at the end the file takes its place. Without a path, nothing
    is written.

    Raises:
        DatasetError: the disk does not let it.
    """
    if path is None:
        yield lambda record: None
        return
    partial = partial_of(path)
    try:
        with partial.open("w", encoding="utf-8") as file:
            yield lambda record: _write(file, record)
        partial.replace(path)
    except OSError as error:
        raise DatasetError(f"{path} cannot be written: {error.strerror or error}") from error
    finally:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)


def _write(file: IO[str], record: Mapping[str, Any]) -> None:
    file.write(_line(record) + "\n")


def _line(record: Mapping[str, Any]) -> str:
    """The record as JSON; escaped where a text of it is no UTF-8 (half of a surrogate pair)."""
    line = json.dumps(record, ensure_ascii=False, default=str)
    try:
        line.encode()
    except UnicodeEncodeError:
        return json.dumps(record, default=str)
    return line
