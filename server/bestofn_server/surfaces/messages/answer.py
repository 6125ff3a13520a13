"""The message: what a chat completion comes to. Its blocks are the types of the `anthropic`
package; the object is a plain one, which tests hold to the type."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from typing import Any, cast

from anthropic.types import (
    ContentBlock,
    StopReason,
    TextBlock,
    ThinkingBlock,
    ToolUseBlock,
)
from pydantic_core import from_json

from bestofn_server.errors import EngineError
from bestofn_server.surfaces.ending import Ending
from bestofn_server.surfaces.parts import Part

_REASONS: Mapping[str, StopReason] = {
    "length": "max_tokens",
    "tool_calls": "tool_use",
    "function_call": "tool_use",
    "content_filter": "refusal",
}
"""Finish reasons of chat completions in Anthropic's words; any other is an end."""


class Written:
    """One message, as far as it has come.

    Args:
        model: that was asked for.
        stop_sequences: of the request.
        notes: what of it had no effect.
    """

    def __init__(
        self, model: str | None, stop_sequences: Sequence[str], notes: Sequence[str]
    ) -> None:
        self._model = model or ""
        self._stop_sequences = frozenset(stop_sequences)
        self._notes = list(notes)
        self._id = uuid.uuid4().hex

    def begin(self, completion: Mapping[str, Any]) -> None:
        """Take over what stands at the head of a completion."""
        self._id = str(completion.get("id") or self._id).removeprefix("chatcmpl-")
        self._model = completion.get("model") or self._model

    def message(self, parts: Sequence[Part], ending: Ending | None) -> dict[str, Any]:
        """The whole object.

        Args:
            parts: of the answer.
            ending: how it ended; None: it has not, and says nothing yet.

        Raises:
            EngineError: the arguments of a call are no JSON object.
        """
        reason, sequence = (None, None) if ending is None else self.stop(parts, ending)
        return {
            "id": f"msg_{self._id}",
            "type": "message",
            "role": "assistant",
            "model": self._model,
            "content": [block(part).to_dict(mode="json") for part in parts],
            "stop_reason": reason,
            "stop_sequence": sequence,
            "usage": usage_of(ending or Ending()),
            **({} if ending is None else self.told(ending)),
        }

    def told(self, ending: Ending) -> dict[str, Any]:
        """What bestofn tells besides."""
        return ending.told(self._notes)

    def stop(self, parts: Sequence[Part], ending: Ending) -> tuple[StopReason, str | None]:
        """Why it ended, and the stop sequence where it was one and the engine says which."""
        said = ending.finish_reason or "stop"
        if said in _REASONS:
            return _REASONS[said], None
        if ending.stop_reason in self._stop_sequences:
            return "stop_sequence", ending.stop_reason
        if any(part.kind == "call" for part in parts):  # a call that was forced ends by `stop`
            return "tool_use", None
        return "end_turn", None


def block(part: Part, *, begun: bool = False) -> ContentBlock:
    """A part as a block.

    Args:
        part: it.
        begun: whether it has only just begun, and says nothing yet.

    Raises:
        EngineError: the arguments of a call are no JSON object.
    """
    text = "" if begun else part.text
    if part.kind == "reasoning":
        return ThinkingBlock(type="thinking", thinking=text, signature="")
    if part.kind == "call":
        return ToolUseBlock(type="tool_use", id=part.id, name=part.name, input=_input(text))
    return TextBlock(type="text", text=text)


def usage_of(ending: Ending) -> dict[str, Any]:
    """Anthropic's usage, whose `input_tokens` are without those that the cache held or took; null
    where nobody counted."""
    prompt = ending.count("prompt_tokens")
    counts = {
        "cache_read_input_tokens": ending.detail("prompt_tokens_details", "cached_tokens"),
        "cache_creation_input_tokens": ending.cache_writes,
    }
    cache = {name: counted for name, counted in counts.items() if counted is not None}
    return {
        "input_tokens": None if prompt is None else max(0, prompt - sum(cache.values())),
        "output_tokens": ending.count("completion_tokens"),
        **cache,
    }


def _input(text: str) -> dict[str, object]:
    """The arguments of a call; of one that was cut as far as they came, as Anthropic's own client
    reads them."""
    if not text.strip():
        return {}
    try:
        value = from_json(text, allow_partial=True)
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise EngineError(
            "the arguments of a tool call of the answer are no JSON object", status=500
        )
    return cast("dict[str, object]", value)
