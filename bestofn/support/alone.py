"""Locks beside what is written: of several processes one writes at a time."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import filelock

from bestofn.core.errors import ConfigError
from bestofn.support.beside import beside


@contextlib.contextmanager
def alone(path: Path, patience: float = 0) -> Iterator[None]:
    """Keep other processes from `path` that ask for it in the same way; nothing is left beside it.

    Args:
        path: of what is written.
        patience: seconds for which another process is waited for.

    Raises:
        ConfigError: it writes there still.
    """
    held = beside(path, ".lock")
    lock = filelock.FileLock(held)
    try:
        lock.acquire(timeout=patience)
    except filelock.Timeout as error:
        waited = f", for {patience:g} s now" if patience else ""
        raise ConfigError(f"another process is writing to {path}{waited}") from error
    try:
        yield
    finally:
        with contextlib.suppress(OSError):  # Windows removes no file that is open
            held.unlink(missing_ok=True)
        lock.release()
