"""The events of a streamed message, in Anthropic's order.

message_start
for each block   content_block_start, content_block_delta, ..., content_block_stop
message_delta    the stop reason, the usage, and bestofn's report
message_stop
ping anywhere between, error instead of what would have followed
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from anthropic.types import InputJSONDelta, TextDelta, ThinkingDelta

from bestofn_server.surfaces.ending import Ending, first_choice
from bestofn_server.surfaces.messages.answer import Written, block, usage_of
from bestofn_server.surfaces.messages.errors import error_content
from bestofn_server.surfaces.parts import Closed, Opened, Part, PartReader, Said, Step
from bestofn_server.surfaces.surface import KEEP_ALIVE, Object, event


class MessageTelling:
    """See `Telling`.

    Args:
        written: the message.
    """

    def __init__(self, written: Written) -> None:
        self._written = written
        self._reader = PartReader()
        self._ending = Ending()
        self._begun = False
        self._parts: list[Part] = []

    @property
    def keep_alive(self) -> bytes:
        """A ping, which may come once the message has started; before it a comment."""
        return _event("ping") if self._begun else KEEP_ALIVE

    def foretold(self, completion: Object) -> None:
        """See `Telling`: the first event has the tokens of the prompt."""
        self._ending.read(completion)

    def chunk(self, chunk: Object) -> Iterable[bytes]:
        """See `Telling`."""
        self._ending.read(chunk)
        yield from self._begin(chunk)
        delta = first_choice(chunk).get("delta") or {}
        for step in self._reader.read(delta):
            yield from self._step(step)

    def end(self) -> Iterable[bytes]:
        """See `Telling`."""
        yield from self._begin({})
        for step in self._reader.close():
            yield from self._step(step)
        reason, sequence = self._written.stop(self._parts, self._ending)
        yield _event(
            "message_delta",
            delta={"stop_reason": reason, "stop_sequence": sequence},
            usage=usage_of(self._ending),
            **self._written.told(self._ending),
        )
        yield _event("message_stop")

    def failed(self, error: Exception) -> Iterable[bytes]:
        """See `Telling`."""
        yield event(error_content(error), "error")

    def _begin(self, chunk: Object) -> Iterator[bytes]:
        if self._begun:
            return
        self._begun = True
        self._written.begin(chunk)
        started = self._written.message((), None)
        usage = {**usage_of(self._ending), "output_tokens": 0}  # so far
        yield _event("message_start", message={**started, "usage": usage})

    def _step(self, step: Step) -> Iterator[bytes]:
        part = step.part
        if isinstance(step, Opened):
            begun = block(part, begun=True).to_dict(mode="json")
            yield _event("content_block_start", index=part.index, content_block=begun)
        elif isinstance(step, Said):
            delta = _delta(part, step.piece).to_dict(mode="json")
            yield _event("content_block_delta", index=part.index, delta=delta)
        elif isinstance(step, Closed):
            self._parts.append(part)
            yield _event("content_block_stop", index=part.index)


def _delta(part: Part, piece: str) -> InputJSONDelta | TextDelta | ThinkingDelta:
    if part.kind == "call":
        return InputJSONDelta(type="input_json_delta", partial_json=piece)
    if part.kind == "reasoning":
        return ThinkingDelta(type="thinking_delta", thinking=piece)
    return TextDelta(type="text_delta", text=piece)


def _event(kind: str, **fields: Any) -> bytes:
    return event({"type": kind, **fields}, kind)
