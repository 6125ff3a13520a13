"""Tools of a response, as the functions of chat completions.

    function     itself
    custom       a function of one text, `input`; its grammar is told to nobody and not enforced
    namespace    its functions, by the names `namespace__name`

What OpenAI runs itself (web_search, file_search, code_interpreter, mcp, ...) is left out and told:
the model then answers without. A choice that forces one of those is refused.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from openai.types.responses import CustomTool, FunctionTool
from pydantic import TypeAdapter

from bestofn_server.surfaces.reading import kind_of, objects_in, read, refusal
from bestofn_server.surfaces.translated import no_effect, not_run

INPUT = "input"
"""The one parameter of the function that stands for a custom tool."""

_FUNCTION = TypeAdapter(FunctionTool)
_CUSTOM = TypeAdapter(CustomTool)

_FREE_TEXT = {
    "type": "object",
    "properties": {INPUT: {"type": "string"}},
    "required": [INPUT],
    "additionalProperties": False,
}


@dataclass(frozen=True, slots=True)
class Named:
    """What the client calls a function.

    Args:
        name: in its namespace.
        namespace: of it; None: it has none.
        custom: whether it is a custom tool.
    """

    name: str
    namespace: str | None = None
    custom: bool = False


@dataclass(slots=True)
class Tools:
    """The tools of a request.

    Args:
        functions: as chat completions have them.
        names: of the functions, and what the client calls each.
        notes: what was left out.
    """

    functions: list[dict[str, Any]] = field(default_factory=list)
    names: dict[str, Named] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def called(self, name: str) -> Named:
        """What the client calls the function of this name."""
        return self.names.get(name, Named(name))

    @classmethod
    def of(cls, given: Sequence[Mapping[str, Any]]) -> Tools:
        """Those of the field `tools`.

        Raises:
            InvalidBodyError: one is not as its kind has to be.
        """
        tools = cls()
        for at, tool in enumerate(given):
            tools._add(tool, f"tools.{at}", None)
        return tools

    def choice(self, asked: Any) -> Any:
        """The `tool_choice` of chat completions; of several allowed ones the others go.

        Raises:
            InvalidBodyError: it names a tool that is not there, or is of no known form.
        """
        if not isinstance(asked, dict):
            return asked
        kind = kind_of(asked, "tool_choice")
        if kind == "allowed_tools":
            named = objects_in(asked.get("tools"), "tool_choice.tools")
            allowed = {self._chosen(tool, "tool_choice.tools") for tool in named}
            self.functions = [each for each in self.functions if _name(each) in allowed]
            mode = asked.get("mode", "auto")
            if mode not in ("auto", "required"):
                raise refusal("tool_choice.mode", "it has to be auto or required")
            return mode
        return {"type": "function", "function": {"name": self._chosen(asked, "tool_choice")}}

    def _chosen(self, asked: Mapping[str, Any], path: str) -> str:
        kind = kind_of(asked, path)
        if kind not in ("function", "custom"):
            raise refusal(
                path,
                f"this server runs no {kind}: only functions and custom tools can be asked for",
            )
        name = asked.get("name")
        known = [full for full, named in self.names.items() if name in (full, named.name)]
        if not known:
            raise refusal(f"{path}.name", "there is no tool of this name in tools")
        return known[0]

    def _add(self, tool: Mapping[str, Any], path: str, namespace: str | None) -> None:
        kind = kind_of(tool, path)
        if kind == "function":
            function = read(_FUNCTION, tool, path)
            self._note_unread(tool, path, ("parameters", "strict"))
            self._declare(
                Named(function.name, namespace),
                function.description,
                {"parameters": function.parameters, "strict": function.strict},
            )
        elif kind == "custom":
            custom = read(_CUSTOM, tool, path)
            self._note_unread(tool, path, ("format",))
            named = Named(custom.name, namespace, custom=True)
            self._declare(named, custom.description, {"parameters": _FREE_TEXT})
            if (tool.get("format") or {}).get("type", "text") != "text":
                self.notes.append(f"{path}: the grammar of {custom.name!r} is not enforced")
        elif kind == "namespace" and namespace is None:
            name = tool.get("name")
            if not isinstance(name, str):
                raise refusal(f"{path}.name", "it has to be a text")
            for at, each in enumerate(objects_in(tool.get("tools"), f"{path}.tools")):
                self._add(each, f"{path}.tools.{at}", name)
        else:
            self.notes.append(not_run(path, kind))

    def _note_unread(self, tool: Mapping[str, Any], path: str, read: Sequence[str]) -> None:
        known = {"type", "name", "description", *read}
        self.notes += [no_effect(f"{path}.{name}") for name in tool if name not in known]

    def _declare(self, named: Named, description: str | None, more: Mapping[str, Any]) -> None:
        name = flat_name(named.namespace, named.name)
        self.names[name] = named
        function = {"name": name, "description": description, **more}
        self.functions.append(
            {
                "type": "function",
                "function": {k: v for k, v in function.items() if v is not None},
            }
        )


def flat_name(namespace: str | None, name: str) -> str:
    """The name of a function, and of one in a namespace."""
    return name if namespace is None else f"{namespace}__{name}"


def _name(function: Mapping[str, Any]) -> str:
    name: str = function["function"]["name"]
    return name
