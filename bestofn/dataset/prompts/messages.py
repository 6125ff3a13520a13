"""Chat messages of a row, as OpenAI's API has them: checked, and without what tables add.

[{"from": "human", "value": "Hi"}, {"from": "gpt", "value": "Hello!"}]
({"role": "user", "content": "Hi"},)
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import date
from datetime import time as clock
from typing import Any

from pydantic_core import from_json

from bestofn.core.types import Message
from bestofn.dataset.prompts.layouts import SHAREGPT_ROLES, without_answer

ROLES = ("system", "developer", "user", "assistant", "tool", "function")
"""OpenAI's."""

_INSTEAD_OF_CONTENT = ("tool_calls", "function_call", "refusal", "audio")
"""What an assistant's message may say without content."""

_OF_CHAT = frozenset(
    {"role", "content", "name", "tool_calls", "tool_call_id", "function_call", "refusal", "audio"}
    | {"reasoning", "reasoning_content"}
)
"""What a message has in OpenAI's API, and the thoughts that vLLM and SGLang have besides."""

_OF_TRAINERS = frozenset({"weight"})
"""Keys of messages that tell a trainer something (OpenAI's fine-tuning), and a model nothing."""


_READ = _OF_CHAT | {"from", "value"}


class MessageError(ValueError):
    """What is wrong with a row's messages, in one sentence."""


def chat_messages(messages: Sequence[Mapping[str, Any]]) -> tuple[Message, ...]:
    """The messages, oldest first, up to the answer at their end, if there is one.

    Nulls are left out at any depth, since a table has them wherever another row has something;
    parts that are all text are joined, as every chat template does. What no chat message has, such
    as who said it when and from where, is left out too: see `beside_chat`.

    Args:
        messages: OpenAI's, or ShareGPT's turns.

    Raises:
        MessageError: one of them is no message, or nothing is asked.
    """
    read = [_message(f"messages.{at}", each) for at, each in enumerate(messages)]
    asked = without_answer(read)
    if not asked:
        raise MessageError("messages: there is nothing but an answer")
    return tuple(asked)


def beside_chat(messages: Sequence[Any]) -> list[str]:
    """The names of what the messages hold and no chat message has, which nobody is shown."""
    found = {
        name: None
        for message in messages
        if isinstance(message, Mapping) and "role" in message
        for name, value in message.items()
        if value is not None and name not in _OF_CHAT | _OF_TRAINERS
    }
    return [str(name) for name in found]


def read_tools(tools: Any) -> list[dict[str, Any]]:
    """The tools of a row as OpenAI's request has them; a text is read as JSON.

    Raises:
        MessageError: they are no list of functions.
    """
    if isinstance(tools, str):
        try:
            tools = from_json(tools) if tools.strip() else []
        except ValueError as error:
            raise MessageError(f"tools: it is no JSON: {error}") from error
    if not isinstance(tools, Sequence) or not all(isinstance(each, Mapping) for each in tools):
        raise MessageError("tools: it is no list of functions")
    plain: list[dict[str, Any]] = [without_nulls(each) for each in tools]
    return [
        each if "function" in each or "type" in each else {"type": "function", "function": each}
        for each in plain
    ]


def without_nulls(value: Any) -> Any:
    """The value without the fields that are null, or no number, at any depth, and without what they
    emptied; a moment as ISO 8601 writes it.

    Raises:
        MessageError: it holds something that JSON cannot say.
    """
    if value is None or isinstance(value, str | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        plain = {name: without_nulls(each) for name, each in value.items()}
        return {
            name: each
            for name, each in plain.items()
            if each is not None and (each != {} or value[name] == {})
        }
    if isinstance(value, Sequence) and not isinstance(value, bytes):
        return [without_nulls(each) for each in value]
    return written_moment(value)


def written_moment(value: Any) -> str:
    """A date or a time of day as ISO 8601 writes it.

    Raises:
        MessageError: it is something else, which JSON cannot say.
    """
    if isinstance(value, date | clock):
        return value.isoformat()
    raise MessageError(f"it holds a value of the type {type(value).__name__}, which is no JSON")


def _message(where: str, given: Mapping[str, Any]) -> dict[str, Any]:
    message = without_nulls({name: each for name, each in given.items() if name in _READ})
    if "role" not in message and "from" in message:
        message = _turn(where, message)
    message = {name: each for name, each in message.items() if name in _OF_CHAT}
    if not message.get("tool_calls"):
        message.pop("tool_calls", None)
    role = message.get("role")
    if role not in ROLES:
        said = "no role" if role is None else f"the role {role!r:.40}"
        raise MessageError(f"{where}: it has {said}, not one of {', '.join(ROLES)}")
    if "content" in message:
        message["content"] = _content(f"{where}.content", message["content"])
    elif role != "assistant" or not any(message.get(each) for each in _INSTEAD_OF_CONTENT):
        raise MessageError(f"{where}: it has no content")
    return message


def _turn(where: str, turn: Mapping[str, Any]) -> dict[str, Any]:
    """A turn of ShareGPT's as a message; what else it holds is its own."""
    speaker = turn["from"]
    role = SHAREGPT_ROLES.get(speaker) if isinstance(speaker, str) else None
    if role is None:
        known = ", ".join(SHAREGPT_ROLES)
        raise MessageError(f"{where}: it is from {speaker!r:.40}, who is not one of {known}")
    return {"role": role} | ({"content": turn["value"]} if "value" in turn else {})


def _content(where: str, content: Any) -> str | list[Any]:
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        raise MessageError(f"{where}: it is no text and no list of parts")
    for at, part in enumerate(content):
        if not isinstance(part, Mapping) or not isinstance(part.get("type"), str):
            raise MessageError(f"{where}.{at}: it is no part: it has no type")
        if part["type"] == "text" and not isinstance(part.get("text"), str):
            raise MessageError(f"{where}.{at}.text: it is no text")
    if all(part["type"] == "text" for part in content):
        return "".join(part["text"] for part in content)
    return content
