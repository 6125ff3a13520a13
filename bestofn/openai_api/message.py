"""The assistant message of a choice, as OpenAI's API has it, whichever way a server writes it.

    assistant_message({"content": [{"type": "thinking", "thinking": "Hm."},
                                   {"type": "text", "text": "3"}]})
    {"role": "assistant", "content": "3", "reasoning": "Hm."}

Sources of the parts: OpenAI's chat and responses API (text, output_text, refusal), Mistral's and
Anthropic's (thinking).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bestofn.core.message import TEXT_PARTS, kind_of_part, reasoning_text, text_of_part
from bestofn.support.tool_arguments import arguments_text

_THOUGHTS = frozenset({"thinking", "reasoning", "reasoning_text", "redacted_thinking"})


def assistant_message(given: Mapping[str, Any]) -> dict[str, Any]:
    """The message; fields that are null go, all others stay.

    The content is one text, or None where there is none; only parts of other kinds, as pictures,
    leave it a list. Thoughts are ``reasoning``, unless the message has its own; a refusal is
    ``refusal``. Arguments of calls are JSON text, ``{}`` where there are none.

    Raises:
        ValueError: its content, a call or a refusal is of no form that has a meaning.
    """
    message = {name: value for name, value in given.items() if value is not None}
    if not isinstance(message.get("role"), str):
        message["role"] = "assistant"
    message |= _content(message.get("content"), message)
    if not isinstance(message.get("refusal", ""), str):
        raise ValueError("its refusal is no text")
    calls = message.pop("tool_calls", None) or []
    if not isinstance(calls, list):
        raise ValueError("its tool calls are no list")
    if calls:
        message["tool_calls"] = [_call(call) for call in calls]
    if (older := message.pop("function_call", None)) is not None:
        message["function_call"] = _function(older)
    return {"role": message.pop("role"), **message}


def message_delta(given: Mapping[str, Any]) -> dict[str, Any]:
    """The same of a part of a message in a stream, whose calls are parts, too.

    Raises:
        ValueError: a part of its content cannot be read.
    """
    delta = dict(given)
    if not isinstance(delta.get("content"), str | list | None):
        del delta["content"]  # it has no meaning
    if isinstance(delta.get("content"), list):
        delta |= {k: v for k, v in _content(delta["content"], delta).items() if v is not None}
        if isinstance(delta["content"], list) and not delta["content"]:
            del delta["content"]
    return delta


def _content(content: Any, message: Mapping[str, Any]) -> dict[str, Any]:
    if content is None or isinstance(content, str):
        return {"content": content}
    if not isinstance(content, list):
        raise ValueError("its content is neither text nor a list of parts")
    text = "".join(text_of_part(part) for part in content)
    kinds = [kind_of_part(part) if isinstance(part, Mapping) else "text" for part in content]
    if not all(kinds):
        raise ValueError("a part of its content has no type that is a word")
    thoughts = "".join(
        _thought(part) for part, kind in zip(content, kinds, strict=True) if kind in _THOUGHTS
    )
    refusals = "".join(
        _text(part, "refusal")
        for part, kind in zip(content, kinds, strict=True)
        if kind == "refusal"
    )
    others = [
        part
        for part, kind in zip(content, kinds, strict=True)
        if kind not in TEXT_PARTS | _THOUGHTS and kind != "refusal"
    ]
    read: dict[str, Any] = {"content": text or None}
    if others:
        read["content"] = [*([{"type": "text", "text": text}] if text else ()), *others]
    if thoughts and not reasoning_text(message):
        read["reasoning"] = thoughts
    if refusals and not message.get("refusal"):
        read["refusal"] = refusals
    return read


def _thought(part: Mapping[str, Any]) -> str:
    """The text of a part that was thought: under its own name, as parts in turn, or as text."""
    for name in ("thinking", "reasoning", "text"):
        value = part.get(name)
        if isinstance(value, list):
            return "".join(text_of_part(each) for each in value)
        if isinstance(value, str):
            return value
    return ""


def _text(part: Mapping[str, Any], name: str) -> str:
    value = part.get(name)
    return value if isinstance(value, str) else ""


def _call(call: Any) -> dict[str, Any]:
    if not isinstance(call, Mapping):
        raise ValueError("one of its tool calls is no object")
    if (identity := call.get("id")) is not None and not isinstance(identity, str):
        call = {**call, "id": str(identity) if type(identity) is int else None}
    if call.get("function") is None and isinstance(call.get("custom"), Mapping):
        return {name: value for name, value in call.items() if value is not None}
    return {"type": "function", **call, "function": _function(call.get("function"))}


def _function(function: Any) -> dict[str, Any]:
    if not isinstance(function, Mapping) or not isinstance(function.get("name"), str):
        raise ValueError("one of its tool calls names no function")
    return {**function, "arguments": arguments_text(function.get("arguments"))}
