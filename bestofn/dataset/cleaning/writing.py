"""Files of JSON lines that are there whole or not at all.

What a table holds and JSON does not is written as what comes nearest: NaN and infinities as null,
bytes (an image) as their base64, dates as text.
"""

from __future__ import annotations

import base64
import contextlib
import json
import math
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any

from bestofn.core.errors import ConfigError
from bestofn.dataset.store.atomic_files import partial_of, put_in_place
from bestofn.support.disk_faults import disk_faults
from bestofn.support.place import place_of

WRITTEN = (".jsonl", ".ndjson", ".json")
"""Suffixes of the files that are written; one without a suffix is as well."""


_MOST_DIGITS = 8
"""A descriptor's number has fewer digits."""

_MOST_LINKS = 40
"""That are followed one after the other, as many as Linux follows."""


def check_target(path: Path) -> None:
    """Return if JSON lines may be written there.

    Raises:
        ConfigError: its name says that it holds something else, it is a folder, or there is no
            folder for it.
    """
    if path.is_dir():
        raise ConfigError(f"{path} is a folder: name a file")
    if not place_of(path).parent.is_dir():
        raise ConfigError(f"{path}: there is no such folder")
    if path.suffix and path.suffix.lower() not in WRITTEN:
        raise ConfigError(
            f"{path}: JSON lines are written, under {', '.join(WRITTEN)}, and no {path.suffix}"
        )


@contextlib.contextmanager
def json_lines(path: Path | None) -> Iterator[Callable[[Mapping[str, Any]], None]]:
    """What writes a record as a line; at the end the file takes its place, that which a link names
    where it is one. Into a device or a pipe it is written as it comes, since what takes its place
    would be a file, and into a stream of this process behind what is there. Without a path, nothing
    is written.

    Raises:
        DatasetError: the disk does not let it.
    """
    if path is None:
        yield lambda record: None
        return
    stack = contextlib.ExitStack()
    with disk_faults(path):
        file = stack.enter_context(_opened(path))

    def write(record: Mapping[str, Any]) -> None:
        line = _line(record)
        with disk_faults(path):
            file.write(line + "\n")

    try:
        yield write
    except BaseException as error:
        # Closing writes what is left: on a disk that is full it would fail in the error's place.
        with contextlib.suppress(OSError):
            stack.__exit__(type(error), error, error.__traceback__)
        raise
    with disk_faults(path):
        stack.close()


def own_stream(path: Path) -> int | None:
    """The descriptor of the process's own stream that a path names, links followed; None: it names
    none. What the shell has opened is not opened again, which would empty it."""
    for _ in range(_MOST_LINKS):
        if (stream := _stream_named(path)) is not None or not path.is_symlink():
            return stream
        path = path.parent / path.readlink()
    return None


def _stream_named(path: Path) -> int | None:
    if path == Path("/dev/stdout"):
        return 1
    if path == Path("/dev/stderr"):
        return 2
    if path.parent not in (Path("/dev/fd"), Path("/proc/self/fd")):
        return None
    return int(path.name) if path.name.isdecimal() and len(path.name) < _MOST_DIGITS else None


def _opened(path: Path) -> contextlib.AbstractContextManager[IO[str]]:
    stream = own_stream(path)
    if stream is not None:
        return os.fdopen(os.dup(stream), "w", encoding="utf-8")
    if path.exists() and not path.is_file():
        return path.open("w", encoding="utf-8")
    return _replacing(path)


@contextlib.contextmanager
def _replacing(path: Path) -> Iterator[IO[str]]:
    place = place_of(path)
    partial = partial_of(place)
    try:
        with partial.open("w", encoding="utf-8") as file:
            yield file
        put_in_place(partial, place)
    finally:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)


def _line(record: Mapping[str, Any]) -> str:
    """The record as JSON; escaped where a text of it is no UTF-8 (half of a surrogate pair)."""
    try:
        line = _dumped(record, ascii_alone=False)
    except ValueError:  # NaN or an infinity
        record = _finite(record)
        line = _dumped(record, ascii_alone=False)
    try:
        line.encode()
    except UnicodeEncodeError:
        return _dumped(record, ascii_alone=True)
    return line


def _dumped(record: Any, *, ascii_alone: bool) -> str:
    return json.dumps(record, ensure_ascii=ascii_alone, allow_nan=False, default=_as_text)


def _as_text(value: Any) -> str:
    return base64.b64encode(value).decode() if isinstance(value, bytes) else str(value)


def _finite(value: Any) -> Any:
    """The value with null for each number that is none of JSON's."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {name: _finite(each) for name, each in value.items()}
    return [_finite(each) for each in value] if isinstance(value, list | tuple) else value
