"""The lines of a file, each no longer than a limit: what is packed small may unpack to one line of
gigabytes."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import BinaryIO

from bestofn.core.errors import ConfigError

LONGEST = 2**28
"""Bytes of one line: rows with pictures in base64 have some 10**7."""


def bounded_lines(file: BinaryIO, called: str) -> Iterator[bytes]:
    """The lines of a file, in order, with what ends them.

    Args:
        file: its bytes.
        called: its name, for a reader.

    Raises:
        ConfigError: a line is longer than `LONGEST`. What stands before it has been given.
    """
    pieces = iter(functools.partial(file.readline, LONGEST + 1), b"")
    for number, line in enumerate(pieces, start=1):
        if len(line) > LONGEST:
            raise ConfigError(f"{called}:{number}: the line is longer than {LONGEST // 2**20} MiB")
        yield line
