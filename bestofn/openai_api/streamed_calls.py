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

from pydantic_core import from_json

from bestofn.support.tool_arguments import arguments_text


class StreamedCalls:
    """The calls of one choice, of which parts come in their order."""

    def __init__(self) -> None:
        self._numbers: dict[int, int] = {}
        self._by_id: dict[str, int] = {}
        self._ids: dict[int, str] = {}
        self._unnamed: set[int] = set()
        self._named: dict[int, str] = {}
        self._arguments: dict[int, list[str]] = {}
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
        index, identity, name = part.get("index"), part.get("id"), _name(part)
        if not isinstance(index, int) or isinstance(index, bool):
            index = None
        if not isinstance(identity, str) or not identity:
            identity = None
        number = self._known(index, identity, name, _arguments(part))
        if number is None:
            number = self._last + 1 if index is None else max(index, self._last + 1)
            self._last = number
            self._unnamed.add(number)
        if index is not None:
            self._numbers[index] = number
        if identity is not None:
            self._by_id[identity] = number
            self._ids.setdefault(number, identity)
        if name:
            self._unnamed.discard(number)
            self._named.setdefault(number, name)
        if arguments := _arguments(part):
            self._arguments.setdefault(number, []).append(arguments)
        return number

    def _known(
        self, index: int | None, identity: str | None, name: str, arguments: str
    ) -> int | None:
        """The number of the call that goes on; None: another one begins.

        At an index that is taken, an id alone does not begin one, since some servers make one up
        for each part; nor does the name with it (vLLM's, where `tool_choice` names the function)
        before the arguments so far are whole.
        """
        if index is not None:
            number = self._numbers.get(index)
            if number is None or identity is None or not name or number in self._unnamed:
                return number
            if self._ids.get(number, identity) == identity:
                return number
            other = name != self._named.get(number)
            return None if other or (arguments and self._is_whole(number)) else number
        if identity is not None:
            return self._by_id.get(identity)
        goes_on = self._last >= 0 and (not name or self._last in self._unnamed)
        return self._last if goes_on else None

    def _is_whole(self, number: int) -> bool:
        """Whether the arguments of a call are an object that is closed."""
        parts = self._arguments.get(number, ())
        if not parts or not parts[-1].rstrip().endswith("}"):
            return False
        try:
            from_json("".join(parts))
        except ValueError:
            return False
        return True


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
    for kind, name in (("function", "arguments"), ("custom", "input")):
        given = (part.get(kind) or {}).get(name)
        if given is not None:
            return given if isinstance(given, str) else arguments_text(given)
    return ""


def _plain(part: Mapping[str, Any]) -> dict[str, Any]:
    """The part, whose arguments are text."""
    plain = dict(part)
    for kind, name in (("function", "arguments"), ("custom", "input")):
        called = plain.get(kind)
        if isinstance(called, Mapping) and not isinstance(called.get(name), str | None):
            plain[kind] = {**called, name: arguments_text(called[name])}
    return plain
