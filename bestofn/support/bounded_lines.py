"""The lines of a file, each no longer than a limit: what is packed small may unpack to one line of
gigabytes."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import BinaryIO

from bestofn.core.errors import ConfigError

LONGEST = 2**28
"""Bytes of one line: rows with pictures in base64 have some 10**7, arrays in one line more."""


def bounded_lines(file: BinaryIO, called: str, most: int = LONGEST) -> Iterator[bytes]:
    """The lines of a file, in order, with what ends them.

    Args:
        file: its bytes.
        called: its name, for a reader.
        most: bytes of one line.

    Raises:
        ConfigError: a line is longer. What stands before it has been given.
    """
    pieces = iter(functools.partial(file.readline, most + 1), b"")
    for number, line in enumerate(pieces, start=1):
        if len(line) > most:
            raise ConfigError(f"{called}:{number}: the line is longer than {most // 2**20} MiB")
        yield line
