"""Parts of an answer: what was thought, said, refused and called, in order, one after the other.

    reader = PartReader()
    for step in (*reader.read(delta, logprobs), ..., *reader.close()):
        ...      # Opened(part), Said(part, piece), ..., Closed(part), Opened(next), ...

At most one part is open at a time, and every part that is opened is closed: the grammar of the
streams of both surfaces. A whole message is read as the one delta of a stream.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from bestofn.core.message import message_text, reasoning_text
from bestofn_server.errors import EngineError

Kind = Literal["reasoning", "text", "refusal", "call"]


@dataclass(slots=True)
class Part:
    """One part.

    Args:
        kind: what it is.
        index: its place among the parts, from 0.
        id: of a call; the engine's, or made here.
        name: of the function that is called.
        text: what it says so far; of a call the arguments.
        logprobs: OpenAI's objects of its tokens so far, where they were asked for.
    """

    kind: Kind
    index: int
    id: str = ""
    name: str = ""
    text: str = ""
    logprobs: list[Mapping[str, Any]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Opened:
    """A part begins."""

    part: Part


@dataclass(frozen=True, slots=True)
class Said:
    """A part goes on.

    Args:
        part: with the piece in it already.
        piece: what is new; not empty.
        logprobs: of its tokens.
    """

    part: Part
    piece: str
    logprobs: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class Closed:
    """A part is whole."""

    part: Part


Step = Opened | Said | Closed


class PartReader:
    """Reads the deltas of one choice, in their order."""

    def __init__(self) -> None:
        self._open: Part | None = None
        self._call = -1
        self._unnamed: Part | None = None
        self._count = 0

    def read(self, delta: Mapping[str, Any], logprobs: Any = None) -> Iterator[Step]:
        """The steps that a delta, or a whole message, comes to.

        Args:
            delta: of a chunk.
            logprobs: OpenAI's object of the chunk.

        Raises:
            EngineError: a call names no function, or goes on after the next one has begun.
        """
        yield from self._say("reasoning", reasoning_text(delta))
        content = {"content": delta.get("content")}
        said = message_text(content)
        tokens = logprobs.get("content") if isinstance(logprobs, Mapping) else None
        listed = tokens if isinstance(tokens, list) and said else ()
        yield from self._say("text", said, tuple(each for each in listed if _names_token(each)))
        refusal = delta.get("refusal")
        yield from self._say("refusal", refusal if isinstance(refusal, str) else "")
        calls: list[Any] = list(delta.get("tool_calls") or ())
        if (older := delta.get("function_call")) is not None:
            calls.append({"index": 0, "function": older})
        for place, call in enumerate(calls):
            index = call.get("index")
            yield from self._call_on(call, place if index is None else index)

    def close(self) -> Iterator[Step]:
        """The last step, where a part is open.

        Raises:
            EngineError: a call named no function.
        """
        self._check_named()
        if self._open is not None:
            yield Closed(self._open)
            self._open = None

    def _say(
        self, kind: Kind, piece: str, logprobs: tuple[Mapping[str, Any], ...] = ()
    ) -> Iterator[Step]:
        if not piece:
            return
        if self._open is None or self._open.kind != kind:
            yield from self._begin(Part(kind, self._count))
        yield from self._go_on(piece, logprobs)

    def _call_on(self, call: Mapping[str, Any], index: int) -> Iterator[Step]:
        function = call.get("function") or call.get("custom") or {}
        piece = function.get("arguments") or function.get("input") or ""
        if index == self._call and self._open is not None and self._open.kind == "call":
            if piece:
                yield from self._go_on(piece)
            return
        if index < self._call or (index == self._call and self._unnamed is None):
            raise EngineError("the engine mixes the parts of its tool calls", status=500)
        if index > self._call:
            self._check_named()
            self._call = index
            self._unnamed = Part("call", self._count)
        assert self._unnamed is not None  # made here, or by an earlier delta of this call
        part = self._unnamed
        part.id = part.id or call.get("id") or ""
        part.name = function.get("name") or ""
        part.text += piece
        if not part.name:  # some servers send it after the id
            return
        self._unnamed = None
        part.id = part.id or f"call_{uuid.uuid4().hex}"
        part.index, piece, part.text = self._count, part.text, ""
        yield from self._begin(part)
        if piece:
            yield from self._go_on(piece)

    def _check_named(self) -> None:
        if self._unnamed is not None:
            raise EngineError("a tool call of the answer names no function", status=500)

    def _begin(self, part: Part) -> Iterator[Step]:
        if self._open is not None:
            yield Closed(self._open)
        self._open = part
        self._count += 1
        yield Opened(part)

    def _go_on(self, piece: str, logprobs: tuple[Mapping[str, Any], ...] = ()) -> Iterator[Step]:
        assert self._open is not None  # _begin has opened it
        self._open.text += piece
        self._open.logprobs.extend(logprobs)
        yield Said(self._open, piece, logprobs)


def parts_of(message: Mapping[str, Any], logprobs: Any = None) -> list[Part]:
    """The parts of a whole message; errors as `PartReader.read`."""
    reader = PartReader()
    if calls := message.get("tool_calls"):  # whole, each of them: their order is their number
        numbered = [{**call, "index": at} for at, call in enumerate(calls)]
        message = {**message, "tool_calls": numbered}
    steps = [*reader.read(message, logprobs), *reader.close()]
    return [step.part for step in steps if isinstance(step, Closed)]


def _names_token(said: object) -> bool:
    return isinstance(said, Mapping) and bool(said.get("token"))
