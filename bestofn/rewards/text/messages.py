"""Messages as chat templates expect them: contents as plain text, tool arguments as objects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bestofn.core.types import Message, message_text
from bestofn.support.tool_arguments import function_of

SYSTEM_ROLES = ("system", "developer")
"""OpenAI's two names for who gives instructions."""


def plain_message(message: Message) -> dict[str, Any]:
    """The message as chat templates expect it.

    Text parts become one string; absent content ''; tool arguments, which OpenAI's API writes as
    JSON text, objects; fields that are None or empty go (templates ask whether they are there).

    Raises:
        ValueError: a part is not text.
    """
    content = message.get("content")
    if isinstance(content, Sequence) and not isinstance(content, str):
        for part in content:
            if not isinstance(part, Mapping) or part.get("type", "text") != "text":
                raise ValueError("a part of a message is not text")
    plain = {key: value for key, value in message.items() if value is not None and value != []}
    plain["content"] = message_text(message)
    if calls := plain.get("tool_calls"):
        plain["tool_calls"] = [_plain_call(call) for call in calls]
    return plain


def fold_system(messages: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """System text moved before the first user message, a blank line between; none: unchanged."""
    system = [m["content"] for m in messages if m.get("role") in SYSTEM_ROLES]
    rest = [m for m in messages if m.get("role") not in SYSTEM_ROLES]
    first = next((i for i, m in enumerate(rest) if m.get("role") == "user"), None)
    if not system or first is None:
        return list(messages)
    parts = [part for part in (*system, rest[first]["content"]) if part]
    rest[first] = {**rest[first], "content": "\n\n".join(parts)}
    return rest


def _plain_call(call: Mapping[str, Any]) -> dict[str, Any]:
    """A call as OpenAI has them, as a function of an object; see `tool_arguments.function_of`."""
    rest = {name: value for name, value in call.items() if name != "custom"}
    return {**rest, "type": "function", "function": function_of(call)}
