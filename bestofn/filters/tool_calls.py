"""The filter of broken tool calls: arguments that do not parse or fit, tools that are not there."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bestofn.core.types import Candidate, Rejection, Request
from bestofn.filters.bounded_schema import SchemaTimeoutError, mismatch_of, waits
from bestofn.filters.tool_arguments import calls
from bestofn.support.tool_choice import forces


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCallsFilter:
    """Rejects candidates whose tool calls cannot be carried out. Reasons: ``unknown_tool`` (not
    among the request's), ``invalid_arguments`` (no JSON object: cut, empty, or with a tail),
    ``arguments_mismatch`` (they do not fit the tool's own schema), ``missing_call`` (the request
    demands one by ``tool_choice``). All are certain; ``finish_reason`` vouches for none of it.
    ``unjudged`` is a suspicion: the tool's schema takes longer than
    `bounded_schema.LIMIT_SECONDS` to judge by."""

    @property
    def name(self) -> str:
        """The filter's name."""
        return "tool_calls"

    def waits(self, request: Request, candidate: Candidate) -> bool:
        """See `bestofn.core.protocols.Waiting`."""
        if not (made := list(calls(candidate))):
            return False
        offered = _offered(request)
        used = ((offered.get(name), arguments) for name, arguments in made)
        return any(schema is not None and waits(schema, len(str(given))) for schema, given in used)

    def check(self, request: Request, candidate: Candidate) -> Rejection | None:
        """A rejection that names the first broken call."""
        made = list(calls(candidate))
        if not made and not forces(request.options.get("tool_choice")):
            return None
        offered = _offered(request)
        if not made and offered and not candidate.message.get("tool_calls"):
            return Rejection(self.name, "missing_call", "a tool call was demanded, and none came")
        for name, arguments in made:
            if offered and name not in offered:
                return Rejection(
                    self.name, "unknown_tool", f"the tool {name[:80]!r} was not offered"
                )
            try:
                value = _parsed(arguments, offered.get(name))
            except (ValueError, RecursionError) as error:
                detail = f"the arguments of {name[:80]!r}: {error}"
                return Rejection(self.name, "invalid_arguments", detail)
            schema = offered.get(name)
            if schema is None:
                continue
            try:
                found = mismatch_of(schema, value)
            except SchemaTimeoutError as error:
                detail = f"the schema of {name[:80]!r}: {error}"
                return Rejection(self.name, "unjudged", detail, certain=False)
            if found:
                detail = f"the arguments of {name[:80]!r}: {found}"
                return Rejection(self.name, "arguments_mismatch", detail)
        return None


def _parsed(arguments: Any, schema: Any) -> Mapping[str, Any]:
    """The arguments as an object; nothing at all is an empty one, where nothing is required."""
    if arguments is None or (isinstance(arguments, str) and not arguments.strip()):
        if isinstance(schema, Mapping) and schema.get("required"):
            raise ValueError("there are none, and some are required")
        return {}
    value = json.loads(arguments) if isinstance(arguments, str) else arguments
    if not isinstance(value, Mapping):
        raise ValueError("they are no JSON object")
    return value


def _offered(request: Request) -> Mapping[str, Any]:
    """The schema of each tool's parameters, by name; None where a tool names none."""
    found: dict[str, Any] = {}
    tools = request.options.get("tools")
    functions = request.options.get("functions")
    for tool in tools if isinstance(tools, Sequence) and not isinstance(tools, str) else ():
        function = tool.get("function") if isinstance(tool, Mapping) else None
        if isinstance(function, Mapping):
            found[str(function.get("name"))] = function.get("parameters")
        elif isinstance(tool, Mapping) and isinstance(tool.get("custom"), Mapping):
            found[str(tool["custom"].get("name"))] = None
    for function in functions if isinstance(functions, Sequence) else ():
        if isinstance(function, Mapping):
            found[str(function.get("name"))] = function.get("parameters")
    return found
