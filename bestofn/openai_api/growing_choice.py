"""A choice of a streamed answer, put together from the parts in which it comes.

choice = GrowingChoice()
for chunk in chunks:
    choice.add(chunk["choices"][0])
choice.message          # as far as it has come
choice.whole            # once choice.finish_reason is there: as an answer that was not streamed
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bestofn.core.message import TEXT_PARTS, kind_of_part, text_of_part

_TEXTS = ("content", "reasoning", "reasoning_content", "refusal")
"""Fields of a message that come in parts; reasoning_content is DeepSeek's and vLLM's."""

_OWN = frozenset({"index", "delta", "text", "finish_reason", "logprobs", "token_ids"})

_CALLED = {"function": "arguments", "custom": "input"}
"""What a tool call calls, and the field of it that comes in parts."""

MOST_CALLS = 1024
"""Tool calls, or pictures, of one choice that are put together; further ones are left out, as
nonsense."""


@dataclass(slots=True)
class GrowingChoice:
    """A choice that comes in parts.

    Attributes:
        finish_reason: the server's word; None while it has not ended.
        parts: chunks that brought something.
        characters: that are held: of texts, and of all else as JSON.
    """

    finish_reason: Any = None
    parts: int = 0
    characters: int = 0
    _texts: dict[str, list[str]] = field(default_factory=dict)
    _calls: dict[int, dict[str, Any]] = field(default_factory=dict)
    _pictures: list[Any] = field(default_factory=list)
    _more: dict[str, Any] = field(default_factory=dict)
    _logprobs: dict[str, list[Any]] = field(default_factory=dict)
    _ids: list[Any] = field(default_factory=list)
    _extra: dict[str, Any] = field(default_factory=dict)
    _is_chat: bool = False

    def add(self, choice: Mapping[str, Any]) -> None:
        """One more part: what a chunk holds of this choice. What has no meaning is passed over."""
        delta = choice.get("delta")
        if isinstance(delta, Mapping):
            self._is_chat = True
            brought = self._add_message(delta)
        else:
            brought = self._add_text("content", choice.get("text"))
        self.parts += brought
        logprobs, ids = choice.get("logprobs"), choice.get("token_ids")
        for name, values in logprobs.items() if isinstance(logprobs, Mapping) else ():
            if isinstance(values, list):
                self._logprobs.setdefault(name, []).extend(values)
                self._count(values)
        if isinstance(ids, list):
            self._ids += ids
            self._count(ids)
        for name, value in choice.items():
            if value is not None and name not in _OWN:
                self._put(self._extra, name, value)
        if choice.get("finish_reason") is not None:
            self.finish_reason = choice["finish_reason"]

    @property
    def tokens(self) -> int:
        """How many tokens have come: those that it lists, else one a part, which may hold more."""
        listed = self._logprobs.get("content") or self._logprobs.get("tokens") or ()
        return len(self._ids) or len(listed) or self.parts

    @property
    def message(self) -> dict[str, Any]:
        """The assistant message as far as it has come; the last call may be half a call."""
        message: dict[str, Any] = {"role": "assistant", "content": None, **self._more}
        message |= {name: "".join(parts) for name, parts in self._texts.items()}
        if self._calls:
            message["tool_calls"] = [
                {name: dict(v) if name in _CALLED else v for name, v in call.items()}
                for _, call in sorted(self._calls.items())
            ]
        if self._pictures:
            text = message["content"]
            said = [{"type": "text", "text": text}] if text else []
            message["content"] = [*said, *self._pictures]
        return message

    @property
    def whole(self) -> dict[str, Any]:
        """The choice as an answer that was not streamed has it."""
        said = {"message": self.message} if self._is_chat else {"text": self.message["content"]}
        return {
            **self._extra,
            **said,
            "finish_reason": self.finish_reason,
            "logprobs": self._logprobs or None,
            "token_ids": self._ids or None,
        }

    def _add_message(self, delta: Mapping[str, Any]) -> bool:
        brought = False
        for name, value in delta.items():
            if name in _TEXTS and isinstance(value, str):
                brought |= self._add_text(name, value)
            elif name == "tool_calls" and isinstance(value, list):
                for each in value:
                    brought |= self._add_call(each)
            elif name == "function_call" and isinstance(value, Mapping):
                self._more[name] = _grown(self._more.get(name), value)
                self._count(value)
                brought = True
            elif name == "content" and isinstance(value, list):
                for part in value:
                    if kind_of_part(part) in TEXT_PARTS:
                        brought |= self._add_text(name, text_of_part(part))
                    elif len(self._pictures) < MOST_CALLS:
                        self._pictures.append(part)
                        self._count(part)
            elif value is not None:
                self._put(self._more, name, value)
        return brought

    def _count(self, value: Any) -> None:
        self.characters += len(json.dumps(value))

    def _put(self, held: dict[str, Any], name: str, value: Any) -> None:
        """Hold a value in place of one before, which most chunks have again."""
        if held.get(name) != value:
            held[name] = value
            self._count(value)

    def _add_text(self, name: str, text: Any) -> bool:
        if isinstance(text, str):
            self._texts.setdefault(name, []).append(text)
            self.characters += len(text)
        return bool(text)

    def _add_call(self, part: Mapping[str, Any]) -> bool:
        at = part["index"]  # of the whole call: see `streamed_calls`
        if at not in self._calls and len(self._calls) >= MOST_CALLS:
            return False
        self._count(part)
        call = self._calls.setdefault(at, {})
        call |= {k: v for k, v in part.items() if v is not None and k not in ("index", *_CALLED)}
        for kind, text in _CALLED.items():
            if isinstance(part.get(kind), Mapping):
                call[kind] = _grown(call.get(kind), part[kind], text)
        if not _CALLED.keys() & call.keys():
            call["function"] = {}
        return True


def _grown(called: Any, part: Mapping[str, Any], text: str = "arguments") -> dict[str, Any]:
    """What is called, with one more part of its arguments, or of what else is its `text`."""
    before = dict(called) if isinstance(called, Mapping) else {}
    more = {name: value for name, value in part.items() if value is not None}
    said, further = before.get(text), more.get(text)
    if isinstance(said, str) and isinstance(further, str):
        more[text] = said + further
    return before | more
