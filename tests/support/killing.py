"""A process that is killed before its n-th step that writes to a folder, whatever that step is.

A step is a call of the system that changes what is on the disk: a file opened to be written, bytes
written, flushed to the disk, a file renamed, cut or removed, a folder made. Python tells of most
of them by audit events; of what it does not, the functions are replaced. Of bytes that are written
half is written before the kill, as a full page is when the power goes.
"""

from __future__ import annotations

import io
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet

_EVENTS = {"os.rename", "os.remove", "os.truncate", "os.mkdir", "os.rmdir"}
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC


def kill_before(step: int, folder: Path) -> None:
    """Have this process killed before that step, from 1 on, below that folder."""
    left = [step]

    def count(torn: Callable[[], object] = lambda: None) -> None:
        left[0] -= 1
        if not left[0]:
            torn()
            os.kill(os.getpid(), signal.SIGKILL)

    def watch(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open":
            path, _, flags = arguments
            writes = isinstance(path, str | bytes | os.PathLike) and flags & _WRITING
            if writes and _below(path, folder):
                count()
        elif event in _EVENTS and _below(arguments[0], folder):
            count()

    class Counted(io.FileIO):
        def write(self, data: Any, /) -> int:
            half = bytes(data)[: len(data) // 2]
            count(lambda: io.FileIO.write(self, half))
            return io.FileIO.write(self, data)

    opened = io.open

    def open_counted(file: Any, mode: str = "r", *arguments: Any, **options: Any) -> Any:
        if isinstance(file, int) or not set(mode) & set("wax+") or not _below(file, folder):
            return opened(file, mode, *arguments, **options)
        buffered = io.BufferedWriter(Counted(file, mode.replace("b", "").replace("t", "")))
        return buffered if "b" in mode else io.TextIOWrapper(buffered, "utf-8", newline="")

    synced, filled = os.fsync, pyarrow.parquet.write_table

    def sync(descriptor: Any) -> None:
        count()
        synced(descriptor)

    def fill(table: Any, path: Any, **options: Any) -> None:
        whole = io.BytesIO()
        filled(table, whole, **options)
        data = whole.getvalue()
        count(lambda: Path(path).write_bytes(data[: len(data) // 2]))
        filled(table, path, **options)

    io.open = open_counted
    os.fsync = sync
    pyarrow.parquet.write_table = fill
    sys.addaudithook(watch)


def _below(path: Any, folder: Path) -> bool:
    return os.fspath(path if not isinstance(path, bytes) else path.decode()).startswith(str(folder))
