"""Arguments of a tool call: OpenAI's API writes them as JSON text, and servers in other ways too.

arguments_text({"city": "Rome"})      '{"city": "Rome"}'
arguments_text("null")                "{}"
function_of({"type": "custom", "custom": {"name": "shell", "input": "ls"}})
                                      {"name": "shell", "arguments": {"input": "ls"}}
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

_NOTHING = frozenset({"", "null", "[]", "{}"})
"""What servers write for no arguments; ``[]`` is an empty object of languages that have one kind of
array."""


def arguments_text(given: Any) -> str:
    """The arguments as JSON text: ``{}`` where there are none; text that is no JSON stays."""
    if isinstance(given, str):
        return "{}" if given.strip() in _NOTHING else given
    return json.dumps(given, ensure_ascii=False) if given else "{}"


def function_of(call: Mapping[str, Any]) -> dict[str, Any]:
    """Name and arguments of a call as chat templates show them: the arguments are an object where
    they can be read, and the text that the model wrote where they cannot. The input of a custom
    tool is its one argument.

    Raises:
        ValueError: it calls nothing.
    """
    custom = call.get("custom")
    if isinstance(custom, Mapping):
        return {"name": custom.get("name"), "arguments": {"input": custom.get("input")}}
    function = call.get("function")
    if not isinstance(function, Mapping):
        raise ValueError("a tool call names no function")
    text = arguments_text(function.get("arguments"))
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):  # the model wrote broken JSON: show what it wrote
        value = text
    return {**function, "arguments": value if isinstance(value, dict) else text}
