"""A scripted model: what an instruct model with tools and guided decoding answers, without weights.

It writes JSON where a schema asks for it, calls a tool where one is there and has not answered
yet, and says a sentence otherwise. Of several candidates the first is cut at the limit of tokens,
in the middle of its text, its JSON or its tool's arguments: who chooses has something to reject.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from benchmarks.client_suites.schema_values import Said, value_of

Object = Mapping[str, Any]

ANSWER = "The answer is 4, since two and two are four."


@dataclass(frozen=True, slots=True)
class ScriptedModel:
    """The model.

    Args:
        calls: arguments by the name of a tool; the first that a request offers is the one called.
            Another tool's arguments are made from its schema.
        only: whether no other tools are called than those.
    """

    calls: Mapping[str, Any] = field(default_factory=dict)
    only: bool = False

    def choice(self, body: Object, index: int, of: int) -> tuple[dict[str, Any], str]:
        """The assistant's message of one candidate, and its finish_reason.

        Args:
            body: a request for a chat completion.
            index: of the candidate.
            of: how many there are; the only one is never cut.
        """
        cut = index == 0 and of > 1
        message: dict[str, Any] = {"role": "assistant", "content": None}
        called = self._call(body)
        if called is not None:
            name, arguments = called
            text = json.dumps(arguments, ensure_ascii=False)
            function = {"name": name, "arguments": _half(text) if cut else text}
            message["tool_calls"] = [
                {"id": f"call_{index}", "type": "function", "function": function}
            ]
            return message, "length" if cut else "tool_calls"
        text = self._text(body)
        message["content"] = _half(text) if cut else text
        return message, "length" if cut else "stop"

    def _call(self, body: Object) -> tuple[str, Any] | None:
        """The tool that is called, and its arguments; None: an answer in words."""
        choice = body.get("tool_choice") or "auto"
        offered = {each["function"]["name"]: each["function"] for each in body.get("tools") or ()}
        if choice == "none" or not offered or (choice == "auto" and _answered(body["messages"])):
            return None
        forced = choice["function"]["name"] if isinstance(choice, Mapping) else None
        for name, arguments in self.calls.items():
            if name in offered and forced in (None, name):
                return name, arguments
        if self.only:
            return None
        function = offered[forced or next(iter(offered))]
        return function["name"], value_of(function.get("parameters") or {}, _asked(body))

    def _text(self, body: Object) -> str:
        form = body.get("response_format") or {}
        if form.get("type") == "json_schema":
            schema = form["json_schema"].get("schema") or {}
            return json.dumps(value_of(schema, _asked(body)), ensure_ascii=False)
        if form.get("type") == "json_object":
            return json.dumps(dict.fromkeys(_asked(body).words or ["answer"], "text"))
        text = ANSWER
        for stop in _listed(body.get("stop")):
            text = text.partition(stop)[0] if stop else text
        return text


def _answered(messages: Sequence[Object]) -> bool:
    """Whether a tool has been called and has answered since the user last spoke."""
    last = max((i for i, each in enumerate(messages) if each["role"] == "user"), default=-1)
    return any(each["role"] == "tool" for each in messages[last + 1 :])


def _asked(body: Object) -> Said:
    """What the user said last."""
    content = [each for each in body["messages"] if each["role"] == "user"][-1:]
    said = content[0].get("content") if content else ""
    if not isinstance(said, str):
        said = " ".join(str(part.get("text", "")) for part in said or ())
    return Said(said)


def _half(text: str) -> str:
    return text[: len(text) // 2]


def _listed(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else list(value or ())
