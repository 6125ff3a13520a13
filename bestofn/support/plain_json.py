"""JSON values made writable again: text in Unicode, numbers that are numbers, no depth without end.

    well_formed("half a pair \ud83d")             "half a pair \ufffd"
    parsed(b'{"logprob": -Infinity}')             {"logprob": None}

A parser takes more than what can be written: half of a surrogate pair, NaN, infinities, integers of
any length. What goes on from here can be written as JSON, as Parquet and as UTF-8.
"""

from __future__ import annotations

import asyncio
import codecs
import json
import json.scanner
import math
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

DEEPEST = 64
"""Levels of lists and objects. Answers have at most ten; pydantic writes 255, json about 900."""

AT_ONCE = 2**18
"""Bytes of a document that is read in one go, which takes some milliseconds; a larger one is read
in steps."""

MOST_VALUES = 1_000_000
"""Commas and brackets in one document: 8 answers of 2,048 tokens with 5 log-probabilities each have
900,000; to let go of more lists at once takes long, too."""

Result = TypeVar("Result")

_SURROGATE = re.compile(r"[\ud800-\udfff]")
_DIGITS = bytes.maketrans(b"123456789E", b"000000000e")
_LARGEST = 2**63 - 1
"""The largest integer that Parquet and most readers of JSON hold."""


def is_text(text: str) -> bool:
    """Whether it can be written as UTF-8: no half of a surrogate pair stands alone, as Python makes
    of bytes that are no UTF-8 (in names of files, and on the command line)."""
    return text.isascii() or not _SURROGATE.search(text)


def well_formed(text: str) -> str:
    """The text with each half of a surrogate pair that stands alone replaced by U+FFFD."""
    if is_text(text):
        return text
    return "".join(
        piece.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        for piece in _pieces(text)
    )


def _pieces(text: str) -> Iterator[str]:
    """The text in pieces that part no pair: other threads run between them."""
    start = 0
    while start < len(text):
        end = start + 2**14
        if "\ud800" <= text[end - 1 : end] <= "\udbff":
            end += 1
        yield text[start:end]
        start = end


def well_formed_value(value: Any) -> Any:
    """The same for every text in a JSON value, keys included; the value itself is not changed.

    Raises:
        ValueError: it is nested deeper than `DEEPEST`.
    """
    return _well_formed(value, DEEPEST)


def _well_formed(value: Any, levels: int) -> Any:
    if isinstance(value, str):
        return well_formed(value)
    if isinstance(value, Mapping | list | tuple) and not levels:
        raise ValueError(f"nested deeper than {DEEPEST} levels")
    if isinstance(value, Mapping):
        return {
            well_formed(key) if isinstance(key, str) else key: _well_formed(each, levels - 1)
            for key, each in value.items()
        }
    if isinstance(value, list | tuple):
        return [_well_formed(each, levels - 1) for each in value]
    return value


def check_depth(value: Any) -> None:
    """Return if a JSON value is nested no deeper than `DEEPEST`.

    Raises:
        ValueError: it is.
    """
    level = [value] if isinstance(value, dict | list) else []
    for _ in range(DEEPEST):
        if not level:
            return
        level = [
            child
            for each in level
            for child in (each.values() if isinstance(each, dict) else each)
            if isinstance(child, dict | list)
        ]
    if level:
        raise ValueError(f"nested deeper than {DEEPEST} levels")


def parsed(content: bytes) -> Any:
    """The JSON value of a document, as it may be written again.

    NaN, infinities, numbers too large for a float and integers of more than 64 bits are None.
    Bytes that are no Unicode are replaced by U+FFFD, and so is half of a surrogate pair.

    Raises:
        ValueError: it is no JSON, or holds more than `MOST_VALUES`.
    """
    large = len(content) > AT_ONCE
    if large:
        values = content.count(b",") + content.count(b"[") + content.count(b"{")
        if values > MOST_VALUES:
            raise ValueError(f"it holds more than {MOST_VALUES:,} values")
    text = _decoded(content)
    try:
        value = (_STEPWISE if large else _DECODERS[_has_long_number(content)]).decode(text)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    escaped = b"\\ud" in content or b"\\uD" in content
    return well_formed_value(value) if escaped else value


async def read_beside(read: Callable[..., Result], content: bytes, *arguments: Any) -> Result:
    """What `read` makes of a document and further arguments; of a large one in a thread, in steps
    between which the event loop goes on."""
    if len(content) <= AT_ONCE:
        return read(content, *arguments)
    return await asyncio.to_thread(read, content, *arguments)


def _decoded(content: bytes) -> str:
    encoding = json.detect_encoding(content)
    try:
        return content.decode(encoding)
    except UnicodeDecodeError:
        pieces = (content[at : at + AT_ONCE] for at in range(0, len(content), AT_ONCE))
        return "".join(codecs.iterdecode(pieces, encoding, "replace"))


def _has_long_number(content: bytes) -> bool:
    digits = content.translate(_DIGITS)
    return b"0" * 19 in digits or b"e000" in digits or b"e+000" in digits


def _nothing(_: str) -> None:
    return None


def _integer(digits: str) -> int | None:
    if len(digits) > 20:
        return None
    number = int(digits)
    return number if -_LARGEST <= number <= _LARGEST else None


def _number(digits: str) -> float | None:
    number = float(digits)
    return number if math.isfinite(number) else None


_DECODERS: Mapping[bool, json.JSONDecoder] = {
    False: json.JSONDecoder(parse_constant=_nothing),
    True: json.JSONDecoder(parse_constant=_nothing, parse_int=_integer, parse_float=_number),
}
"""By whether there may be numbers that are too long."""


class _Stepwise(json.JSONDecoder):
    """Python's own decoder in Python: slower, and other threads run between its values."""

    def __init__(self) -> None:
        super().__init__(parse_constant=_nothing, parse_int=_integer, parse_float=_number)
        self.scan_once: Any = json.scanner.py_make_scanner(self)  # type: ignore[attr-defined]


_STEPWISE = _Stepwise()
