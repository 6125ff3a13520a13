"""Every field that OpenAI documents of a response, and Anthropic of a message: what the table says
of it is what becomes of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any, get_args

import pytest

from bestofn import Settings, embedded
from bestofn_server.app import create_app
from bestofn_server.surfaces.field_table import SURFACES, Outcome, table
from bestofn_server.surfaces.messages.request import MessagesRequest
from bestofn_server.surfaces.messages.surface import MessagesSurface
from bestofn_server.surfaces.responses.request import SAMPLING, ResponsesRequest
from bestofn_server.surfaces.responses.surface import ResponsesSurface
from bestofn_server.surfaces.surface import Surface
from tests.support.scripts import pipeline_of
from tests.support.serving import client_of

GUIDE = Path(__file__).parents[3] / "docs" / "guides" / "serve.md"
LOOK: dict[str, Any] = {"name": "look", "parameters": {"type": "object"}}
FUNCTION: dict[str, Any] = {"type": "function", **LOOK}
TOOL: dict[str, Any] = {"name": "look", "input_schema": {"type": "object"}}
SCHEMA: dict[str, Any] = {"type": "json_schema", "schema": {"type": "object"}}
TURN = {"role": "user", "content": "q"}

LEAST: dict[str, dict[str, Any]] = {
    "/v1/responses": {"model": embedded.NAME, "input": "q", "tools": [FUNCTION]},
    "/v1/messages": {"model": embedded.NAME, "max_tokens": 9, "messages": [TURN], "tools": [TOOL]},
}
SAID: dict[str, dict[str, Any]] = {
    "/v1/responses": {
        "access_programs": {"cyber": "standard"},
        "background": True,
        "background_options": {},
        "context_management": [{"type": "compaction"}],
        "image": {"x": 1},
        "include": ["message.output_text.logprobs"],
        "input": "another",
        "instructions": "Be brief.",
        "max_output_tokens": 5,
        "max_tool_calls": 3,
        "metadata": {"a": "b"},
        "model": "another",
        "moderation": {"model": "x"},
        "parallel_tool_calls": False,
        "prompt": {"id": "x"},
        "prompt_cache_options": {},
        "reasoning": {"effort": "low"},
        "store": True,
        "stream": True,
        "stream_options": {"include_obfuscation": True},
        "temperature": 0.5,
        "text": {"format": {"name": "a", **SCHEMA}},
        "tool_choice": "required",
        "tools": [],
        "top_logprobs": 2,
        "top_p": 0.5,
        "truncation": "auto",
    },
    "/v1/messages": {
        "cache_control": {"type": "ephemeral"},
        "context_management": {},
        "diagnostics": {},
        "max_tokens": 5,
        "messages": [{**TURN, "content": "another"}],
        "metadata": {"user_id": "x"},
        "model": "another",
        "output_config": {"format": SCHEMA},
        "stop_sequences": ["x"],
        "stream": True,
        "system": "Be brief.",
        "thinking": {"type": "enabled", "budget_tokens": 1024},
        "tool_choice": {"type": "any"},
        "tools": [],
    },
}
"""A value of each field that is not free to be any text."""


def _surface(path: str, **fields: Any) -> Surface:
    body = {**LEAST[path], **fields}
    if path == "/v1/responses":
        return ResponsesSurface(ResponsesRequest.model_validate(body))
    return MessagesSurface(MessagesRequest.model_validate(body))


def _fields(what: Outcome) -> list[tuple[str, str]]:
    return [(path, field) for path, fields in SURFACES.items() for field in fields.of(what)]


def test_the_table_is_in_the_guide() -> None:
    text = GUIDE.read_text(encoding="utf-8")
    assert table() in text, "print it: python -m bestofn_server.surfaces.field_table"


@pytest.mark.parametrize("path", SURFACES)
def test_the_table_has_every_documented_field_once(path: str) -> None:
    listed = [name for what in get_args(Outcome) for name in SURFACES[path].of(what)]
    assert sorted(listed) == sorted(SURFACES[path].documented)
    assert {"model", "stream", "tools"} <= set(listed)


@pytest.mark.parametrize(("path", "field"), _fields("honoured"))
def test_what_is_honoured_changes_what_is_asked_or_answered(path: str, field: str) -> None:
    value = SAID[path][field]
    surface, plain = _surface(path, **{field: value}), _surface(path)
    if field == "metadata":
        message = {"role": "assistant", "content": "a"}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        answer = surface.answer({"id": "c", "created": 1, "model": "m", "choices": [choice]})
        assert answer["metadata"] == value
    elif field == "stream_options":  # obfuscation is honoured by any stream: it is padding
        assert surface.body == plain.body
    else:
        assert surface.body != plain.body


@pytest.mark.parametrize(("path", "field"), _fields("upstream"))
def test_what_an_upstream_gets_is_a_field_of_chat_completions(path: str, field: str) -> None:
    body = _surface(path, **{field: "x"}).body.model_dump(exclude_none=True)
    assert body[SAMPLING[field]] == "x"


@pytest.mark.parametrize(("path", "field"), _fields("ignored"))
async def test_what_has_no_effect_is_told(path: str, field: str) -> None:
    pipeline, _, _ = pipeline_of(["good", "better"])
    said = SAID[path].get(field, "x")
    async with client_of(create_app(Settings(best_of=2), pipeline)) as client:
        plain = await client.post(path, json=LEAST[path])
        told = await client.post(path, json={**LEAST[path], field: said})
    assert told.status_code == plain.status_code == 200, told.text
    assert plain.json()["bestofn"]["notes"] == []
    (note,) = told.json()["bestofn"]["notes"]
    assert note.startswith(f"{field}: ")


@pytest.mark.parametrize(("path", "field"), _fields("ignored"))
async def test_what_has_no_effect_is_of_its_type_all_the_same(path: str, field: str) -> None:
    pipeline, _, _ = pipeline_of(["good"])
    async with client_of(create_app(Settings(best_of=2), pipeline)) as client:
        answer = await client.post(path, json={**LEAST[path], field: [5.5]})
    assert answer.status_code == 400
    assert field in answer.json()["error"]["message"]


@pytest.mark.parametrize(("path", "field"), _fields("refused"))
async def test_what_is_refused_is_a_400_that_names_it(path: str, field: str) -> None:
    pipeline, _, _ = pipeline_of(["good"])
    said = SAID[path].get(field, "x")
    async with client_of(create_app(Settings(best_of=2), pipeline)) as client:
        answer = await client.post(path, json={**LEAST[path], field: said})
        null = await client.post(path, json={**LEAST[path], field: None})
    assert answer.status_code == 400
    assert f"{field}: " in answer.json()["error"]["message"]
    assert null.status_code == 200, null.text
