"""The arguments of an answer's tool calls, as text: what filters read besides the content."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from bestofn.core.types import Candidate


def calls(candidate: Candidate) -> Iterator[tuple[str, Any]]:
    """(name, arguments as they came) of each call, OpenAI's older ``function_call`` too."""
    message = candidate.message
    given = message.get("tool_calls")
    for call in given if isinstance(given, Sequence) and not isinstance(given, str) else ():
        function = call.get("function") if isinstance(call, Mapping) else None
        if isinstance(function, Mapping):
            yield str(function.get("name") or ""), function.get("arguments")
    older = message.get("function_call")
    if isinstance(older, Mapping):
        yield str(older.get("name") or ""), older.get("arguments")


def argument_texts(candidate: Candidate) -> Iterator[str]:
    """The arguments that are texts, in the order of the calls."""
    return (arguments for _, arguments in calls(candidate) if isinstance(arguments, str))
