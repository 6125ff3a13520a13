"""Faults of the disk, as one sentence."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from bestofn.core.errors import DatasetError


@contextlib.contextmanager
def disk_faults(path: Path, *, goes_on: bool = False) -> Iterator[None]:
    """Turn a fault of the disk into a sentence.

    Args:
        path: what is written.
        goes_on: whether the same command goes on from what it has written, which is then said.
    """
    try:
        yield
    except OSError as error:
        kept = (
            "; what was finished before is kept: when it can be written again, the same command "
            "goes on from there"
        )
        raise DatasetError(
            f"{path} cannot be written: {error.strerror or error}{kept if goes_on else ''}"
        ) from error
