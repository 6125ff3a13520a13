"""A forced call needs a tool: without one the engine would answer with text."""

from __future__ import annotations

from typing import Any

import pytest

from bestofn.support.tool_choice import forces
from tests.support.serving import app_of, client_of

TURN = {"role": "user", "content": "q"}
LOOK = {"name": "look", "parameters": {"type": "object"}}
CHAT = {"messages": [TURN]}
CHAT_TOOLS = [{"type": "function", "function": LOOK}]
NAMED = {"type": "function", "function": {"name": "lock"}}


@pytest.mark.parametrize(
    ("path", "body", "said"),
    [
        ("/v1/chat/completions", {**CHAT, "tool_choice": "required"}, "there are no tools"),
        ("/v1/chat/completions", {**CHAT, "tools": [], "tool_choice": NAMED}, "there are no tools"),
        ("/v1/chat/completions", {**CHAT, "tools": CHAT_TOOLS, "tool_choice": NAMED}, "no tool of"),
        ("/v1/chat/completions", {**CHAT, "tools": 5, "tool_choice": NAMED}, "tools: must be a"),
        ("/v1/chat/completions", {**CHAT, "tools": [1]}, "tools: must be a list of objects"),
        (
            "/v1/chat/completions",
            {**CHAT, "tools": CHAT_TOOLS, "tool_choice": {"type": "function"}},
            "does not name the tool",
        ),
        (
            "/v1/chat/completions",
            {**CHAT, "tools": CHAT_TOOLS, "tool_choice": {"type": "custom", "custom": LOOK}},
            "no tool of this kind",
        ),
        (
            "/v1/chat/completions",
            {
                **CHAT,
                "tools": CHAT_TOOLS,
                "tool_choice": {
                    "type": "allowed_tools",
                    "allowed_tools": {"mode": "required", "tools": [NAMED]},
                },
            },
            "no tool of this kind",
        ),
        ("/v1/responses", {"input": "q", "tool_choice": "required"}, "there are no tools"),
        (
            "/v1/messages",
            {"messages": [TURN], "max_tokens": 9, "tool_choice": {"type": "any"}},
            "tool",
        ),
    ],
)
async def test_a_call_that_nothing_can_answer_is_refused(
    path: str, body: dict[str, Any], said: str
) -> None:
    async with client_of(app_of()) as client:
        answer = await client.post(path, json=body)
    assert answer.status_code == 400, answer.text
    assert said in answer.json()["error"]["message"]


@pytest.mark.parametrize("choice", ["auto", "none", None, {"type": "allowed_tools"}, 5])
async def test_what_forces_nothing_passes(choice: object) -> None:
    assert not forces(choice)


@pytest.mark.parametrize("mode", ["required", "auto"])
def test_allowed_tools_force_a_call_by_their_mode(mode: str) -> None:
    choice = {"type": "allowed_tools", "allowed_tools": {"mode": mode, "tools": []}}
    assert forces(choice) is (mode == "required")
