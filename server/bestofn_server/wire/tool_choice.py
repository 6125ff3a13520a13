"""The choice of a tool in a chat completion request: one that forces a call needs tools.

    require_tools({"tool_choice": "required"})      InvalidBodyError

An engine without tools would answer with text, and the client would wait for a call.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bestofn_server.errors import InvalidBodyError

FORCING = frozenset({"required", "any"})
"""Words that ask for some call: OpenAI's, and Mistral's."""


def require_tools(fields: Mapping[str, Any]) -> None:
    """Return if `tool_choice` forces no call, or there is a tool that it can be of.

    What is of no form that OpenAI documents is the engine's to judge.

    Args:
        fields: of the request, ``tools`` and ``tool_choice`` among them.

    Raises:
        InvalidBodyError: it forces a call, and there are no tools, or none of the name.
    """
    choice, tools = fields.get("tool_choice"), fields.get("tools")
    if not forces(choice):
        return
    if not tools:
        raise InvalidBodyError(
            "tool_choice: it forces a call, and tools has none to choose from", param="tool_choice"
        )
    name = _name(choice) if isinstance(choice, dict) else None
    if isinstance(name, str) and name not in [_name(e) for e in tools if isinstance(e, dict)]:
        raise InvalidBodyError(
            "tool_choice: there is no tool of this name in tools", param="tool_choice"
        )


def forces(choice: Any) -> bool:
    """Whether the model has to call something, by a `tool_choice` of chat completions."""
    if not isinstance(choice, dict):
        return isinstance(choice, str) and choice in FORCING
    if choice.get("type") == "allowed_tools":
        allowed = choice.get("allowed_tools")
        return isinstance(allowed, dict) and forces(allowed.get("mode"))
    return choice.get("type") in ("function", "custom", *FORCING)


def _name(tool: Mapping[str, Any]) -> Any:
    """The name of a tool, or of the one that is chosen; None: it has none."""
    inner = tool.get(tool["type"]) if isinstance(tool.get("type"), str) else None
    return inner.get("name") if isinstance(inner, dict) else None
