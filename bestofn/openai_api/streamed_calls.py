"""Tool calls of a stream: which of them each part belongs to, however a server numbers them.

    calls = StreamedCalls()
    calls.read({"tool_calls": [{"id": "a", "function": {"name": "f", "arguments": "{}"}}]})
    calls.read({"tool_calls": [{"id": "b", "function": {"name": "g", "arguments": "{}"}}]})
    # the index of the one is 0, of the other 1

OpenAI's API gives each part the index of its call. Gemini's gives none and sends whole calls;
NVIDIA Dynamo's gives all of them 0, and each its id. Whoever reads the stream, a client too, puts
together what has one index, so that it has to be right.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bestofn.support.tool_arguments import arguments_text

_KINDS = (("function", "arguments"), ("custom", "input"))
"""What a call may be of, and where its text stands."""

_TOKENS = re.compile(r'\\.?|["{}\[\]]', re.DOTALL)


class StreamedCalls:
    """The calls of one choice, of which parts come in their order."""

    def __init__(self) -> None:
        self._at: dict[int, _Call] = {}
        self._by_id: dict[str, _Call] = {}
        self._last: _Call | None = None
        self._held: dict[int, Mapping[str, Any]] = {}

    def read(self, delta: Mapping[str, Any]) -> dict[str, Any]:
        """The delta; each part of a call in it has its index, and what is no part is left out."""
        read = dict(delta)
        if "tool_calls" in read:
            given = read.pop("tool_calls")
            parts = [part for part in given if _is_part(part)] if isinstance(given, list) else []
            placed = [each for part in parts if (each := self._placed(part)) is not None]
            if placed:
                read["tool_calls"] = placed
        if "function_call" in read and not _is_function(read["function_call"]):
            del read["function_call"]
        return read

    def _placed(self, part: Mapping[str, Any]) -> dict[str, Any] | None:
        """The part with the number of its call, which is new above all others; None: it says
        nothing unless arguments follow, and is held until then."""
        said = _Said.of(part)
        call = self._known(said)
        if call is not None and said.index is not None and call.is_whole():
            if self._may_begin(call, said):
                call = None
                if not said.arguments.strip():
                    self._held[said.index] = part
                    return None
            elif self._begins_held(said):
                part, call = _with_head(self._held[said.index], part), None
                said = _Said.of(part)
        if call is None:
            call = self._last = _Call(self._next_number(said.index), said.index)
        if said.index is not None:
            self._at[said.index] = call
            self._held.pop(said.index, None)
        if said.identity is not None:
            self._by_id[said.identity] = call
        call.add(said)
        return {**_plain(part), "index": call.number}

    def _next_number(self, index: int | None) -> int:
        number = 0 if self._last is None else self._last.number + 1
        return number if index is None else max(index, number)

    def _known(self, said: _Said) -> _Call | None:
        """The call that goes on; None: another one begins.

        At an index that is taken, an id alone does not begin one, since some servers make one up
        for each part; another name does, with an id of its own or behind whole arguments.
        """
        of_id = None if said.identity is None else self._by_id.get(said.identity)
        if said.index is not None:
            call = self._at.get(said.index)
            if call is None or (of_id is not None and of_id.index == said.index):
                return of_id if call is not None else None
            if not (said.name and call.name) or said.name == call.name:
                return call
            new = said.identity is not None and call.identity not in (None, said.identity)
            return None if new or call.is_whole() else call
        if said.identity is not None:
            return of_id
        goes_on = self._last is not None and not (said.name and self._last.name)
        return self._last if goes_on else None

    def _may_begin(self, call: _Call, said: _Said) -> bool:
        """Whether a part that names the function of a call whose arguments are whole may begin
        another: it has an id that is new. One that only repeats them (vLLM's, where `tool_choice`
        names the function) has no arguments."""
        new = said.identity is not None and said.identity not in self._by_id
        return new and call.identity is not None and said.name == call.name != ""

    def _begins_held(self, said: _Said) -> bool:
        held = None if said.index is None else self._held.get(said.index)
        if held is None or not said.arguments.strip():
            return False
        return said.identity in (None, held["id"]) or said.identity not in self._by_id


@dataclass(frozen=True, slots=True)
class _Said:
    """What a part says; empty or None where it says nothing."""

    index: int | None
    identity: str | None
    name: str
    arguments: str

    @classmethod
    def of(cls, part: Mapping[str, Any]) -> _Said:
        index, identity = part.get("index"), part.get("id")
        numbered = isinstance(index, int) and not isinstance(index, bool)
        named = isinstance(identity, str) and identity
        return cls(
            index if numbered else None, identity if named else None, _name(part), _arguments(part)
        )


@dataclass(slots=True)
class _Call:
    """A call so far: its number, the index that the server gave it, its first id and name, and
    how far its arguments are open."""

    number: int
    index: int | None
    identity: str | None = None
    name: str = ""
    unread: list[str] = field(default_factory=list)
    depth: int = 0
    began: bool = False
    in_string: bool = False
    escapes: bool = False

    def add(self, said: _Said) -> None:
        self.identity = self.identity or said.identity
        self.name = self.name or said.name
        if said.arguments:
            self.unread.append(said.arguments)

    def is_whole(self) -> bool:
        """Whether the arguments are an object that is closed; each part is looked at once."""
        for part in self.unread:
            self._read(part)
        self.unread.clear()
        return self.began and self.depth == 0

    def _read(self, part: str) -> None:
        part = part[1:] if self.escapes else part
        self.escapes = False
        for found in _TOKENS.finditer(part):
            token = found[0]
            if token == '"':
                self.in_string = not self.in_string
            elif token[0] == "\\":
                self.escapes = len(token) == 1
            elif not self.in_string:
                self.began = True
                self.depth += 1 if token in "{[" else -1


def _is_part(part: Any) -> bool:
    if not isinstance(part, Mapping):
        return False
    return all(_is_function(part[name]) for name in ("function", "custom") if name in part)


def _is_function(given: Any) -> bool:
    return given is None or (
        isinstance(given, Mapping) and isinstance(given.get("name"), str | None)
    )


def _name(part: Mapping[str, Any]) -> str:
    called = ((part.get(kind) or {}).get("name") for kind in ("function", "custom"))
    return next((str(name) for name in called if name), "")


def _arguments(part: Mapping[str, Any]) -> str:
    for kind, name in _KINDS:
        given = (part.get(kind) or {}).get(name)
        if given is not None:
            return given if isinstance(given, str) else arguments_text(given)
    return ""


def _plain(part: Mapping[str, Any]) -> dict[str, Any]:
    """The part, whose arguments are text."""
    plain = dict(part)
    if not isinstance(plain.get("id"), str | None):
        plain["id"] = str(plain["id"]) if type(plain["id"]) is int else None
    for kind, name in _KINDS:
        called = plain.get(kind)
        if isinstance(called, Mapping) and not isinstance(called.get(name), str | None):
            plain[kind] = {**called, name: arguments_text(called[name])}
    return plain


def _with_head(head: Mapping[str, Any], part: Mapping[str, Any]) -> dict[str, Any]:
    """A part with what one before it said of its call: the id and the name."""
    whole = {**head, **{name: value for name, value in part.items() if value}}
    for kind, _ in _KINDS:
        if kind in head or kind in part:
            said = {name: value for name, value in (part.get(kind) or {}).items() if value}
            whole[kind] = {**(head.get(kind) or {}), **said}
    return whole
