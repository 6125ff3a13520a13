"""Locks beside what is written: of several processes one writes at a time."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator
from pathlib import Path

import filelock

from bestofn.core.errors import ConfigError
from bestofn.support.beside import beside

logger = logging.getLogger(__name__)


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
        _acquire(lock, path, patience)
    except filelock.Timeout as error:
        waited = f", for {patience:g} s now" if patience else ""
        raise ConfigError(f"another process is writing to {path}{waited}") from error
    try:
        yield
    finally:
        with contextlib.suppress(OSError):  # Windows removes no file that is open
            held.unlink(missing_ok=True)
        lock.release()


def _acquire(lock: filelock.BaseFileLock, path: Path, patience: float) -> None:
    try:
        lock.acquire(timeout=0)
    except filelock.Timeout:
        if not patience:
            raise
        logger.warning("another process is writing to %s: it is waited for", path)
        lock.acquire(timeout=patience)
