"""JSON records of a text: an object a line, the elements of an array, or objects over lines.

    {"prompt": "1"}\\n{"prompt": "2"}           one a line
    [{"prompt": "1"}, {"prompt": "2"}]        an array, as datasets are downloaded
    {\\n  "prompt": "1"\\n}                     over lines, as people write them

The elements of an array are told apart by their brackets before any of them is parsed: a broken one
costs itself alone, as in a file of lines, and they are held one after the other. One whose bracket
is never closed ends where the next can only begin anew; where none does, that is an error, and not
a row that holds the rest of the file.
"""

from __future__ import annotations

import codecs
import itertools
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pydantic_core import from_json

from bestofn.core.errors import ConfigError

InputRecord = tuple[str, Mapping[str, Any] | str]
"""Where it stands, and its columns; a text instead of these says why it cannot be read."""

_Text = tuple[int, bytes]
"""The line that something stands in, from 1, and its text."""

LONGEST_RECORD = 2**28
"""Bytes of one record that is not over: rows with pictures in base64 have some 10**7, and a bracket
that is never closed has the rest of the file."""

_TOKEN = re.compile(rb'"(?:[^"\\]++|\\.)*+"(?=\s*(?:[,:\]}]|$))|[\[\]{},:"]')
"""A string, or what opens, closes and separates; or a quote that begins no string. A string of JSON
ends in the line it begins in, and a separator follows it: where none does, a quote is missing, and
this one closes no string."""
_QUOTED = re.compile(rb'"(?:[^"\\]++|\\.)*+("?)')
_MARK = re.compile(rb"[\[\]{},:]")

_OPEN_ENDS = (b"{", b"[", b",", b":")
"""How a line ends that goes on in the next."""


def json_records(name: str, lines: Iterable[bytes], *, by_line: bool) -> Iterator[InputRecord]:
    """The records of a text, in order.

    Args:
        name: of the file, for a reader.
        lines: of the text, in UTF-8; what is no UTF-8 costs its own record.
        by_line: whether the name says that every line is an object: then only a first line that is
            nothing but an opening bracket, or an array, says otherwise.

    Raises:
        ConfigError: it ends within an array or an object over lines, or one is too long to be one.
            What stands before that has been given.
    """
    plain = (line.removeprefix(codecs.BOM_UTF8) for line in lines)
    filled = (each for each in enumerate(plain, start=1) if each[1].strip())
    first = next(filled, None)
    if first is None:
        return
    everything = itertools.chain([first], filled)
    over_lines = _goes_on(first[1].strip(), by_line=by_line)
    for number, text in _Elements(name).of(everything) if over_lines else everything:
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


def _tokens(line: bytes) -> Iterator[re.Match[bytes]]:
    """The tokens of a line, in time that grows with its length: a quote that begins no string ends
    the search for all that are escaped behind it, since these would end where it does."""
    at = 0
    while at < len(line):
        for token in _TOKEN.finditer(line, at):
            if token[0] == b'"':
                quoted = _QUOTED.match(line, token.start())
                assert quoted is not None
                at = quoted.end() - 1 if quoted[1] else len(line)
                yield from _MARK.finditer(line, token.end(), at)
                break
            yield token
        else:
            return


class _Elements:
    """The elements of an array, or objects that follow one another, each with its first line.

    Args:
        name: of the file, for a reader.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._open: list[bytes] = []  # brackets, the outermost first
        self._opened = Counter[bytes]()  # how many of each kind
        self._array = False  # whether the outermost is that of the array, which is no element
        self._held: list[bytes] = []
        self._size = 0
        self._began = 0
        self._previous = b""

    def of(self, lines: Iterable[_Text]) -> Iterator[_Text]:
        """The elements of these lines.

        Raises:
            ConfigError: as `json_records`.
        """
        for number, line in lines:
            start = behind = 0
            blank = not self._held
            self._began = number if blank else self._began
            for token in _tokens(line):
                mark = token[0]
                blank = blank and not line[behind : token.start()].strip()
                begins = mark == b"[" and not self._open and blank
                if begins:
                    self._array, start = True, token.end()
                cut = self._cut(mark, token, blank=blank)
                # An element has nothing yet behind a comma, and behind the array's own bracket.
                blank = begins or (cut is not None and mark != b"{")
                behind = token.end()
                if cut is not None:
                    if text := b"".join([*self._held, line[start:cut]]).strip():
                        yield self._began, text
                    self._held, self._size, self._began = [], 0, number
                    start = cut if mark == b"{" else token.end()
                self._previous = mark
            self._hold(line[start:])
        self._end()
        if self._held:  # something without brackets
            yield self._began, b"".join(self._held)

    def _cut(self, mark: bytes, token: re.Match[bytes], *, blank: bool) -> int | None:
        """Where an element ends at this token; None: it does not.

        Args:
            mark: the token.
            token: where it stands.
            blank: whether nothing of an element stands before it.
        """
        if mark == b"{" and not blank and self._begins_anew():
            self._open = [*self._open[: self._array], mark]
            self._opened = Counter(self._open)
            return token.start()
        if mark in (b"[", b"{"):
            self._open.append(mark)
            self._opened[mark] += 1
        elif mark in (b"]", b"}") and self._close(b"[" if mark == b"]" else b"{"):
            if not self._open:
                end = token.start() if self._array else token.end()
                self._array = False
                return end
        elif mark == b"," and len(self._open) == self._array:
            return token.start()
        return None

    def _begins_anew(self) -> bool:
        """Whether an object that begins here can be no part of what is open: in an object only a
        colon stands before one, and between the elements of the array a comma."""
        inside = len(self._open) > self._array
        return self._open[-1] == b"{" and self._previous != b":" if inside else self._array

    def _close(self, opened: bytes) -> bool:
        """Close the innermost bracket of this kind, and with it those that were left open inside;
        whether there is one. The array's own is closed where nothing is left open in it."""
        first = 1 if self._array and len(self._open) > 1 else 0
        if self._opened[opened] == (first and opened == b"["):
            return False  # without looking: a million of them would take hours
        while self._open[-1] != opened:
            self._opened[self._open.pop()] -= 1
        self._opened[self._open.pop()] -= 1
        return True

    def _hold(self, rest: bytes) -> None:
        if not rest.strip():
            return
        self._held.append(rest)
        self._size += len(rest)
        if self._size > LONGEST_RECORD:
            raise ConfigError(
                f"{self._name}:{self._began}: what begins there is longer than "
                f"{LONGEST_RECORD // 2**20} MiB, so a bracket or a quote of it is not closed"
            )

    def _end(self) -> None:
        """Return if the text may end here."""
        if not self._open:
            return
        where = f"{self._name}:{self._began}"
        if not self._held:
            raise ConfigError(f"{where}: the file ends before its array does, so it was cut off")
        raise ConfigError(
            f"{where}: the file ends within what begins there: a bracket or a quote of it is not "
            "closed, or the file was cut off"
        )
