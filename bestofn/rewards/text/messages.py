"""Messages as chat templates expect them: contents as plain text, tool arguments as objects."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from bestofn.core.message import IMAGE_PARTS, image_count, kind_of_part, text_of_part
from bestofn.core.types import Message, Request, message_text
from bestofn.settings.choices import Images
from bestofn.support.tool_arguments import function_of

SYSTEM_ROLES = ("system", "developer")
"""OpenAI's two names for who gives instructions."""

IMAGE = "[image]"
"""What a reward model reads in the place of a picture, on a line of its own."""


def plain_message(message: Message, images: Images = "refuse") -> dict[str, Any]:
    """The message as chat templates expect it.

    Text parts become one string, in which `IMAGE` stands for each picture that is let in; absent
    content ''; tool arguments, which OpenAI's API writes as JSON text, objects; fields that are
    None or empty go (templates ask whether they are there).

    Raises:
        ValueError: a part is not text.
    """
    content = message.get("content")
    if isinstance(content, Sequence) and not isinstance(content, str):
        for part in content:
            if not _is_shown(part, images):
                raise ValueError("a part of a message is not text")
        if image_count([message]):
            message = {**message, "content": _with_placeholders(content)}
    plain = {key: value for key, value in message.items() if value is not None and value != []}
    plain["content"] = message_text(message)
    if calls := plain.get("tool_calls"):
        plain["tool_calls"] = [_plain_call(call) for call in calls]
    return plain


def text_with_calls(message: Message, images: Images = "refuse") -> str:
    """A message as one text, for what reads texts alone: its content, and its tool calls as JSON on
    a line of their own. Without them all answers that only call tools would read the same.

    Raises:
        ValueError: a part is not text.
    """
    plain = plain_message(message, images)
    calls = [call["function"] for call in plain.get("tool_calls", ())]
    parts = [plain["content"], json.dumps(calls, ensure_ascii=False) if calls else ""]
    return "\n".join(part for part in parts if part)


def image_notes(messages: Sequence[Message], images: Images) -> Sequence[str]:
    """What a result says of the pictures that its reward model was not shown."""
    count = image_count(messages)
    if not count or images == "refuse":
        return ()
    return (f"the reward model read {IMAGE} in the place of {_counted(count)}",)


def images_refused(request: Request, images: Images) -> str | None:
    """Why a conversation is not shown to a reward model, as far as its pictures are the reason."""
    count = image_count(request.messages)
    if not count or images == "placeholder":
        return None
    return f"it holds {_counted(count)}, and the reward model reads text alone"


def _counted(count: int) -> str:
    return "1 image" if count == 1 else f"{count} images"


def _is_shown(part: object, images: Images) -> bool:
    if not isinstance(part, Mapping):
        return False
    kind = kind_of_part(part)
    return kind == "text" or (images == "placeholder" and kind in IMAGE_PARTS)


def _with_placeholders(parts: Sequence[Mapping[str, Any]]) -> str:
    lines = [""]
    for part in parts:
        if kind_of_part(part) in IMAGE_PARTS:
            lines += [IMAGE, ""]
        else:
            lines[-1] += text_of_part(part)
    return "\n".join(line for line in lines if line)


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
