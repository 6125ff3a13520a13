"""JSON bodies of requests: bounded before they are parsed, and told by field where they are wrong.

    value = await read_json(body)

A body of eight megabytes can hold three million empty lists, which Python needs a gigabyte for. So
its brackets, commas and colons are counted first, in slices between which other requests go on;
then it is parsed; then lists, objects and numbers are held to `bestofn_server.wire.bounds`.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import math
from collections.abc import Mapping
from typing import Any, Never

import pydantic_core

from bestofn.core.message import half_of_pair
from bestofn.support.error_text import shortened
from bestofn_server.errors import InvalidBodyError
from bestofn_server.wire import bounds

SLICE = 2**17
"""Bytes that are counted in one go: at worst some milliseconds."""

_STRUCTURE = b"[]{}"
_OTHERS = bytes(byte for byte in range(256) if byte not in _STRUCTURE)
_DELTA: Mapping[int, int] = {ord("["): 1, ord("{"): 1, ord("]"): -1, ord("}"): -1}

_CHOICES = frozenset({"choice", "enum"})
"""Members whose lists an engine compiles."""


async def read_json(body: bytes) -> Any:
    """What a body says.

    Raises:
        InvalidBodyError: it is no JSON, is too deep or has too many values, or a list, an object, a
            number or a text in it is none that this server takes.
    """
    body = _utf8(body)
    shape = Shape()
    for start in range(0, len(body), SLICE):
        shape.feed(body[start : start + SLICE])
        await asyncio.sleep(0)
    value, whole = _parsed(body)
    _check(value, (), texts=not whole)
    return value


class Shape:
    """Counts what a JSON text holds, slice by slice, without parsing it.

    Attributes:
        depth: lists and objects that are open.
        in_string: whether the last slice ended within a string.
        containers, members, values: lists and objects, members of objects, commas, so far.
    """

    def __init__(self) -> None:
        self.in_string = False
        self._escape = b""
        self.depth = 0
        self.values = self.members = self.containers = 0

    def feed(self, piece: bytes) -> None:
        """Count the next slice.

        Raises:
            InvalidBodyError: there is more in it than a bound allows.
        """
        # Escapes go first: what is left of quotes then opens and closes strings. Outside of strings
        # a backslash is no JSON, so what it hides there is never parsed.
        piece = (self._escape + piece).replace(rb"\\", b"")
        self._escape = b"\\" if piece.endswith(b"\\") else b""
        parts = piece.removesuffix(b"\\").replace(rb"\"", b"").split(b'"')
        outside = b"".join(parts[self.in_string :: 2])
        self.in_string ^= len(parts) % 2 == 0
        self.values += outside.count(b",")
        self.members += outside.count(b":")
        self._nest(outside)
        for count, most, what in (
            (self.containers, bounds.MAX_CONTAINERS, "lists and objects"),
            (self.members, bounds.MAX_MEMBERS, "members of objects"),
            (self.values, bounds.MAX_VALUES, "values"),
        ):
            if count > most:
                raise InvalidBodyError(f"the body holds more than {most:,} {what}")

    def _nest(self, outside: bytes) -> None:
        opened = outside.count(b"[") + outside.count(b"{")
        closed = outside.count(b"]") + outside.count(b"}")
        self.containers += opened
        if self.depth + opened > bounds.MAX_DEPTH:  # perhaps: then it is counted exactly
            brackets = outside.translate(None, _OTHERS)
            steps = map(_DELTA.__getitem__, brackets)
            if max(itertools.accumulate(steps, initial=self.depth)) > bounds.MAX_DEPTH:
                raise InvalidBodyError(
                    f"the body nests lists and objects more than {bounds.MAX_DEPTH} deep"
                )
        self.depth += opened - closed


def _utf8(body: bytes) -> bytes:
    """The body in UTF-8; RFC 8259 asks for it, and Python's clients of old sent UTF-16 too."""
    encoding = json.detect_encoding(body)
    if encoding == "utf-8":
        return body
    try:
        return body.decode(encoding).encode("utf-8", "surrogatepass")
    except UnicodeDecodeError as error:
        raise InvalidBodyError(f"the body is no {encoding} text", code="invalid_json") from error


def _parsed(body: bytes) -> tuple[Any, bool]:
    """The value, and whether all texts in it are whole.

    pydantic's parser is the quicker one. What it refuses is read by Python's, which says better
    what is wrong, and takes halves of surrogate pairs, so that their field can be named.
    """
    try:
        return pydantic_core.from_json(body, allow_inf_nan=False), True
    except ValueError:
        pass
    try:
        return json.loads(body.decode("utf-8", "surrogatepass"), parse_constant=_no_number), False
    except UnicodeDecodeError as error:
        raise InvalidBodyError("the body is no UTF-8 text", code="invalid_json") from error
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise InvalidBodyError(
            f"the body is no JSON: {error.msg} ({where})", code="invalid_json"
        ) from error
    except ValueError as error:  # Python's own limit, of 4,300 digits
        raise InvalidBodyError("a number in the body has thousands of digits") from error


def _no_number(name: str) -> Never:
    raise InvalidBodyError(f"the body is no JSON: it has no number {name}", code="invalid_json")


def _check(value: Any, path: tuple[str | int, ...], *, texts: bool) -> None:
    """Hold a value, and all in it, to the bounds."""
    kind = type(value)
    if kind is str:
        if texts:
            _check_text(value, path)
    elif kind is int:
        if not bounds.SMALLEST <= value <= bounds.LARGEST:
            _refuse(path, "the number is beyond 64 bits")
    elif kind is float:
        if not math.isfinite(value):
            _refuse(path, "the number is too large")
    elif kind is list:
        _check_list(value, path, texts=texts)
    elif kind is dict:
        if len(value) > bounds.MAX_ITEMS:
            _refuse(path, f"an object of {len(value):,} members; {bounds.MAX_ITEMS:,} are taken")
        for name, each in value.items():
            if texts:
                _check_text(name, path)
            _check(each, (*path, name), texts=texts)


def _check_list(value: list[Any], path: tuple[str | int, ...], *, texts: bool) -> None:
    kinds = set(map(type, value))
    most = bounds.MAX_ITEMS
    if path[:1] == ("prompt",):
        most = bounds.MAX_TOKEN_IDS if kinds <= {int, float} else bounds.MAX_PROMPTS
    elif path and path[-1] in _CHOICES:
        most = bounds.MAX_CHOICES
    if len(value) > most:
        _refuse(path, f"a list of {len(value):,} items; at most {most:,} are taken")
    if kinds == {int}:  # tokens: at once
        for extreme in (min(value), max(value)):
            _check(extreme, path, texts=texts)
    elif kinds != {str} or texts:
        for at, each in enumerate(value):
            _check(each, (*path, at), texts=texts)


def _check_text(text: str, path: tuple[str | int, ...]) -> None:
    if (half := half_of_pair(text)) is not None:
        _refuse(path, f"the text holds {half}")


def _refuse(path: tuple[str | int, ...], what: str) -> Never:
    param = ".".join(shortened(str(part), 64) for part in path)
    raise InvalidBodyError(f"{param}: {what}" if param else what, param=param or None)
