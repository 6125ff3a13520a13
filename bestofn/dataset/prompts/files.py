"""Files as streams of bytes: what compresses them is unpacked, and UTF-16 becomes UTF-8.

How a file is packed, and whether it is a table, is told by its first bytes: names lie.
"""

from __future__ import annotations

import codecs
import contextlib
import io
import lzma
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast

from bestofn.core.errors import ConfigError

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer as Buffer

LINES = frozenset({".jsonl", ".ndjson", ".json"})
SEPARATED = frozenset({".csv", ".tsv"})
TABLES = frozenset({".parquet"})
PACKED = frozenset({".gz", ".bz2", ".xz", ".zst", ".lz4"})
READ = LINES | SEPARATED | TABLES
"""Suffixes of the files of a folder that are read, packed or not."""

_TABLE = b"PAR1"
"""How a Parquet file begins."""

_COMPRESSIONS = {
    b"\x1f\x8b": "gzip",
    b"BZh": "bz2",
    b"\xfd7zXZ\x00": "xz",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"\x04\x22\x4d\x18": "lz4",
}
"""By what a packed file begins with; pyarrow unpacks all but xz."""

_NO_INPUT = {
    b"PK\x03\x04": "is a zip archive or a spreadsheet: unpack it, or save it as CSV",
    b"version https://git-lfs": "is a pointer of Git LFS: `git lfs pull` fetches the file",
}

_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_MOST_BYTES = 4
"""That a character takes in UTF-8."""

_LONGEST = 32
"""Bytes of a file that are looked at: more than any beginning above."""


def suffix_of(path: Path) -> str:
    """The suffix that says what a file holds, in lower case; that of its packing is left out."""
    suffix = path.suffix.lower()
    return Path(path.stem).suffix.lower() if suffix in PACKED else suffix


def is_table(path: Path) -> bool:
    """Whether it is a Parquet file, or is called one."""
    return suffix_of(path) in TABLES or _beginning(path).startswith(_TABLE)


@contextlib.contextmanager
def open_text(path: Path) -> Iterator[BinaryIO]:
    """The bytes of a text file, unpacked; in UTF-8, if it says that it is in UTF-16.

    Raises:
        ConfigError: it is something that no line can be read of.
        OSError: it cannot be read.
    """
    begins = _beginning(path)
    for beginning, sentence in _NO_INPUT.items():
        if begins.startswith(beginning):
            raise ConfigError(f"{path} {sentence}")
    packing = next((v for k, v in _COMPRESSIONS.items() if begins.startswith(k)), None)
    with _unpacked(path, packing) as file:
        buffered = io.BufferedReader(cast("io.RawIOBase", file))
        if buffered.peek(2)[:2] in _UTF_16:
            yield io.BufferedReader(_InUtf8(io.TextIOWrapper(buffered, "utf-16", newline="")))
        else:
            yield buffered


class _InUtf8(io.RawIOBase):
    """The bytes of a text in UTF-8."""

    def __init__(self, text: io.TextIOWrapper) -> None:
        self._text = text

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Buffer) -> int:
        view = memoryview(buffer)
        data = self._text.read(len(view) // _MOST_BYTES).encode()
        view[: len(data)] = data
        return len(data)


def _beginning(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(_LONGEST)


def _unpacked(path: Path, packing: str | None) -> contextlib.AbstractContextManager[object]:
    if packing is None:
        return path.open("rb", buffering=0)
    if packing == "xz":
        return lzma.open(path)
    import pyarrow

    return cast(
        "contextlib.AbstractContextManager[object]",
        pyarrow.input_stream(str(path), compression=packing),
    )
