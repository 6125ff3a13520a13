"""The choice of a tool in a chat completion request: one that forces a call needs tools.

    require_tools({"tool_choice": "required"})      InvalidBodyError

An engine without tools would answer with text, and the client would wait for a call.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bestofn.support.tool_choice import FORCING, forces
from bestofn_server.errors import InvalidBodyError


def require_tools(fields: Mapping[str, Any]) -> None:
    """Return if `tools` is a list of objects, and a call that `tool_choice` forces can be made.

    A choice of no form that OpenAI documents is the engine's to judge.

    Args:
        fields: of the request, ``tools`` and ``tool_choice`` among them.

    Raises:
        InvalidBodyError: it is none; or a call is forced, and there are no tools, or none of the
            kind and name.
    """
    choice, tools = fields.get("tool_choice"), fields.get("tools")
    if tools is None:
        tools = []
    if not isinstance(tools, list) or not all(isinstance(each, dict) for each in tools):
        raise InvalidBodyError("tools: must be a list of objects", param="tools")
    if not forces(choice):
        return
    if not tools:
        raise _refused("it forces a call, and there are no tools")
    named = _named(choice)
    if named is not None and not {*map(_identity, named)} & {*map(_identity, tools)}:
        raise _refused("there is no tool of this kind and name in tools")


def _named(choice: Any) -> list[Mapping[str, Any]] | None:
    """The tools that a forcing choice names; None: any will do.

    Raises:
        InvalidBodyError: it has to name some, and does not.
    """
    if not isinstance(choice, dict) or choice["type"] in FORCING:
        return None
    allowed = choice["type"] == "allowed_tools"
    named: Any = choice["allowed_tools"].get("tools") if allowed else [choice]
    if not isinstance(named, list) or not all(isinstance(each, dict) for each in named):
        raise _refused("its tools must be a list of objects")
    if any(_identity(each)[1] is None for each in named):
        raise _refused("it does not name the tool, as {type, function: {name}} does")
    return named


def _identity(tool: Mapping[str, Any]) -> tuple[str | None, str | None]:
    """Kind and name of a tool, or of one that is chosen; None for what it has not."""
    kind = tool.get("type")
    inner = tool.get(kind) if isinstance(kind, str) else None
    name = inner.get("name") if isinstance(inner, dict) else None
    return (kind if isinstance(kind, str) else None), (name if isinstance(name, str) else None)


def _refused(reason: str) -> InvalidBodyError:
    return InvalidBodyError(f"tool_choice: {reason}", param="tool_choice")
