"""Hidden files beside a file: what is filled before it takes its place, a lock."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

LONGEST_NAME = 240
"""Bytes of a file's name that leave room for more: file systems take 255."""


def beside(path: Path, suffix: str) -> Path:
    """The hidden file beside `path` with this suffix behind its name.

    beside(Path("run/out.jsonl"), ".part")     # run/.out.jsonl.part
    """
    name = os.fsencode(path.name)
    called = path.name if len(name) <= LONGEST_NAME else hashlib.sha256(name).hexdigest()
    return path.with_name(f".{called}{suffix}")
