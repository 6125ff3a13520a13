"""JSON records of a text: an object a line, the elements of an array, or objects over lines.

    {"prompt": "1"}\\n{"prompt": "2"}           one a line
    [{"prompt": "1"}, {"prompt": "2"}]        an array, as datasets are downloaded
    {\\n  "prompt": "1"\\n}                     over lines, as people write them

The elements of an array are told apart by their brackets before any of them is parsed: a broken one
costs itself alone, as in a file of lines, and they are held one after the other.
"""

from __future__ import annotations

import codecs
import itertools
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pydantic_core import from_json

InputRecord = tuple[str, Mapping[str, Any] | str]
"""Where it stands, and its columns; a text instead of these says why it cannot be read."""

_Text = tuple[int, bytes]
"""The line that something stands in, from 1, and its text."""

_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*"|[\[\]{},]')
"""A string, or what opens, closes and separates; a string of JSON ends in the line it begins in."""

_OPEN_ENDS = (b"{", b"[", b",", b":")
"""How a line ends that goes on in the next."""


def json_records(name: str, lines: Iterable[bytes], *, by_line: bool) -> Iterator[InputRecord]:
    """The records of a text, in order.

    Args:
        name: of the file, for a reader.
        lines: of the text, in UTF-8; what is no UTF-8 costs its own record.
        by_line: whether the name says that every line is an object: then only a first line that is
            nothing but an opening bracket, or an array, says otherwise.
    """
    plain = (line.removeprefix(codecs.BOM_UTF8) for line in lines)
    filled = (each for each in enumerate(plain, start=1) if each[1].strip())
    first = next(filled, None)
    if first is None:
        return
    everything = itertools.chain([first], filled)
    over_lines = _goes_on(first[1].strip(), by_line=by_line)
    for number, text in _elements(everything) if over_lines else everything:
        yield f"{name}:{number}", parsed(text)


def parsed(text: bytes) -> Mapping[str, Any] | str:
    """The object that a text is, or why it is none."""
    try:
        record = from_json(text)
    except ValueError as error:  # no JSON, no UTF-8, half a surrogate pair, or nested too deep
        return f"it is no JSON: {error}"
    if not isinstance(record, dict):
        return f"it is no JSON object but {type(record).__name__}"
    return record


def _goes_on(first: bytes, *, by_line: bool) -> bool:
    """Whether a text that begins with this line is more than an object a line."""
    if first.startswith(b"[") or first == b"{":
        return True
    return not by_line and first.endswith(_OPEN_ENDS) and isinstance(parsed(first), str)


def _elements(lines: Iterable[_Text]) -> Iterator[_Text]:
    """The elements of an array, or objects that follow one another, each with its first line."""
    held: list[bytes] = []
    depth = array = began = 0
    for number, line in lines:
        start = 0
        began = began if held else number
        for token in _TOKEN.finditer(line):
            mark, cut = token[0], None
            if mark in (b"[", b"{"):
                if mark == b"[" and not (depth or held or line[start : token.start()].strip()):
                    array, start = 1, token.end()
                depth += 1
            elif mark in (b"]", b"}"):
                depth = max(0, depth - 1)
                if not depth:
                    cut = token.start() if array else token.end()
                    array = 0
            elif mark == b"," and array and depth == 1:
                cut = token.start()
            if cut is not None:
                if text := b"".join([*held, line[start:cut]]).strip():
                    yield began, text
                held, start, began = [], token.end(), number
        if line[start:].strip():
            held.append(line[start:])
    if held or depth:  # it ends in the midst of something
        yield began, b"".join(held)
