"""Chat messages as clients send them: what they say is the engine's, what they are is looked up."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator

from bestofn_server.wire.bounds import Object


def _readable(message: dict[str, Any]) -> dict[str, Any]:
    """The message, whose role and whose parts' types are words, where it has them.

    Raises:
        ValueError: one is something else, which nobody can look up.
    """
    if not isinstance(message.get("role"), str | None):
        raise ValueError("its role must be a text")
    content = message.get("content")
    for at, part in enumerate(content if isinstance(content, list) else ()):
        if isinstance(part, dict) and not isinstance(part.get("type"), str | None):
            raise ValueError(f"the type of part {at} of its content must be a text")
    return message


Message = Annotated[Object, AfterValidator(_readable)]
"""OpenAI's message object; further members are the engine's."""
