"""The journal of a run, on a disk that is full."""

from __future__ import annotations

from pathlib import Path

import pytest

from bestofn.dataset.store.journal import Journal


def test_a_full_disk_is_told_once() -> None:
    full = Path("/dev/full")
    if not full.is_char_device():
        pytest.skip("there is no device that is full")
    journal = Journal(full)
    with pytest.raises(OSError, match="No space left"):
        journal.append([{"id": "a"}])
    journal.close()  # closing writes nothing again
