"""A tool that tells the weather, and an engine whose first candidate is always cut."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from bestofn.testing import FakeCompletion

KEY = "secret"
CALL = {
    "id": "call_1",
    "type": "function",
    "function": {"name": "weather", "arguments": '{"city": "Oslo"}'},
}
CUT_CALL = {**CALL, "function": {"name": "weather", "arguments": '{"city": "Os'}}
PARAMETERS: dict[str, Any] = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
    "additionalProperties": False,
}
TOOL: Any = {"type": "function", "name": "weather", "parameters": PARAMETERS, "strict": True}
CLAUDE_TOOL: Any = {"name": "weather", "description": "of a city", "input_schema": PARAMETERS}
ASK: Any = {"model": "m", "max_tokens": 64, "messages": [{"role": "user", "content": "What?"}]}


class City(BaseModel):
    """What structured output is read as."""

    city: str


def scripted(request: Any, index: int) -> FakeCompletion:
    """Candidate 0 is cut, candidate 1 is whole; a tool is called where there is one."""
    if "response_format" in request.options:
        return (
            FakeCompletion('{"city": "Os', "length")
            if index == 0
            else FakeCompletion('{"city": "Oslo"}')
        )
    if "tools" in request.options and request.messages[-1]["role"] != "tool":
        message = {
            "role": "assistant",
            "content": None,
            "reasoning": "Hm.",
            "tool_calls": [CUT_CALL if index == 0 else CALL],
        }
        reason = "length" if index == 0 else "tool_calls"
        return FakeCompletion("", reason, message=message)
    return FakeCompletion("It is", "length") if index == 0 else FakeCompletion("It is sunny.")
