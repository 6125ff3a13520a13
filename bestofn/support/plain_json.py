"""JSON values made writable again: text in Unicode, numbers that are numbers, no depth without end.

    well_formed("half a pair \ud83d")             "half a pair \ufffd"
    parsed(b'{"logprob": -Infinity}')             {"logprob": None}

A parser takes more than what can be written: half of a surrogate pair, NaN, infinities, integers of
any length. What goes on from here can be written as JSON, as Parquet and as UTF-8.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from typing import Any

DEEPEST = 64
"""Levels of lists and objects. Answers have at most ten; pydantic writes 255, json about 900."""

MOST_VALUES = 2_000_000
"""Commas and brackets in one document: a million values of 8 bytes each take 0.1 s to read and 100
MB to hold (benchmarks/upstream_bodies.py), while nothing else runs."""

_SURROGATE = re.compile(r"[\ud800-\udfff]")
_ESCAPED_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]|\xed[\xa0-\xbf]")
_LONG_NUMBER = re.compile(rb"[0-9]{19}|[eE]\+?[0-9]{3}")
_LARGEST = 2**63 - 1
"""The largest integer that Parquet and most readers of JSON hold."""


def well_formed(text: str) -> str:
    """The text with each half of a surrogate pair that stands alone replaced by U+FFFD."""
    if text.isascii() or not _SURROGATE.search(text):
        return text
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


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
    if len(content) > MOST_VALUES:
        values = content.count(b",") + content.count(b"[") + content.count(b"{")
        if values > MOST_VALUES:
            raise ValueError(f"it holds more than {MOST_VALUES:,} values")
    numbers: dict[str, Any] = {}
    if _LONG_NUMBER.search(content):
        numbers = {"parse_int": _integer, "parse_float": _number}
    text: str | bytes = content
    try:
        content.decode(json.detect_encoding(content), "surrogatepass")
    except UnicodeDecodeError:
        text = content.decode("utf-8", "replace")
    try:
        value = json.loads(text, parse_constant=_nothing, **numbers)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    return well_formed_value(value) if _ESCAPED_SURROGATE.search(content) else value


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
