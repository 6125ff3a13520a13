"""Atomic writes: a file is there whole or not at all, whenever the power goes."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path

from bestofn.support.beside import beside
from bestofn.support.place import place_of


def replace_file(path: Path, write: Callable[[Path], None]) -> None:
    """Have `write` fill a file beside `path`, and put it there at once, for good.

    Args:
        path: what is made or replaced; it is never seen half-written, whenever the power goes. What
            a link names is replaced, not the link; a device or a pipe is written to.
        write: fills the file that it is given.
    """
    path = place_of(path)
    if path.exists() and not path.is_file():
        write(path)
        return
    partial = partial_of(path)
    try:
        write(partial)
        put_in_place(partial, path)
    finally:
        partial.unlink(missing_ok=True)


def put_in_place(partial: Path, path: Path) -> None:
    """Have a whole file take its place for good: its bytes are on the disk before its name is."""
    with partial.open("r+b") as written:  # Windows syncs no file that is read alone
        os.fsync(written.fileno())
    partial.replace(path)
    sync_folder(path.parent)


def partial_of(path: Path) -> Path:
    """The file beside `path` that is filled before it takes its place; a kill may leave it."""
    return beside(path, ".part")


def replace_text(path: Path, text: str) -> None:
    """Put a text file there at once, in UTF-8; see `replace_file`."""

    def write(partial: Path) -> None:
        partial.write_text(text, encoding="utf-8")

    replace_file(path, write)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder last, where the system opens folders."""
    if os.name == "nt":
        return
    held = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(held)
    finally:
        os.close(held)


def sha256(path: Path) -> str:
    """The SHA-256 of a file's bytes, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
