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

from collections.abc import Mapping
from typing import Any

from bestofn.support.tool_arguments import arguments_text


class StreamedCalls:
    """The calls of one choice, of which parts come in their order."""

    def __init__(self) -> None:
        self._numbers: dict[int, int] = {}
        self._by_id: dict[str, int] = {}
        self._ids: dict[int, str] = {}
        self._unnamed: set[int] = set()
        self._last = -1

    def read(self, delta: Mapping[str, Any]) -> dict[str, Any]:
        """The delta; each part of a call in it has its index, and what is no part is left out."""
        read = dict(delta)
        if "tool_calls" in read:
            given = read.pop("tool_calls")
            parts = [part for part in given if _is_part(part)] if isinstance(given, list) else []
            if parts:
                read["tool_calls"] = [{**_plain(part), "index": self._of(part)} for part in parts]
        if "function_call" in read and not _is_function(read["function_call"]):
            del read["function_call"]
        return read

    def _of(self, part: Mapping[str, Any]) -> int:
        """The number of the call that a part belongs to; that of a new one is above all others."""
        index, identity, named = part.get("index"), part.get("id"), _names(part)
        if not isinstance(index, int) or isinstance(index, bool):
            index = None
        if not isinstance(identity, str) or not identity:
            identity = None
        number = self._known(index, identity, named=named)
        if number is None:
            number = self._last + 1 if index is None else max(index, self._last + 1)
            self._last = number
            self._unnamed.add(number)
        if index is not None:
            self._numbers[index] = number
        if identity is not None:
            self._by_id[identity] = number
            self._ids.setdefault(number, identity)
        if named:
            self._unnamed.discard(number)
        return number

    def _known(self, index: int | None, identity: str | None, *, named: bool) -> int | None:
        """The number of the call that goes on; None: another one begins.

        An id alone does not begin one at an index that is taken: some servers make one up for each
        part, and name the function once.
        """
        if index is not None:
            number = self._numbers.get(index)
            if number is None or identity is None or not named or number in self._unnamed:
                return number
            return number if self._ids.get(number, identity) == identity else None
        if identity is not None:
            return self._by_id.get(identity)
        goes_on = self._last >= 0 and (not named or self._last in self._unnamed)
        return self._last if goes_on else None


def _is_part(part: Any) -> bool:
    if not isinstance(part, Mapping):
        return False
    return all(_is_function(part[name]) for name in ("function", "custom") if name in part)


def _is_function(given: Any) -> bool:
    return given is None or (
        isinstance(given, Mapping) and isinstance(given.get("name"), str | None)
    )


def _names(part: Mapping[str, Any]) -> bool:
    return any((part.get(name) or {}).get("name") for name in ("function", "custom"))


def _plain(part: Mapping[str, Any]) -> dict[str, Any]:
    """The part, whose arguments are text."""
    plain = dict(part)
    for kind, name in (("function", "arguments"), ("custom", "input")):
        called = plain.get(kind)
        if isinstance(called, Mapping) and not isinstance(called.get(name), str | None):
            plain[kind] = {**called, name: arguments_text(called[name])}
    return plain
