"""What a request for a response comes to as a chat completion request, or why it is refused."""

from __future__ import annotations

from typing import Any

import pytest
from openai.types.responses.input_token_count_params import InputTokenCountParams
from openai.types.responses.response_create_params import ResponseCreateParamsBase

from bestofn_server.errors import InvalidBodyError
from bestofn_server.surfaces.responses import request as responses
from bestofn_server.surfaces.responses.request import ResponsesRequest
from bestofn_server.surfaces.responses.surface import ResponsesSurface
from bestofn_server.wire.requests import ChatRequest

FUNCTION: Any = {"type": "object", "properties": {"x": {"type": "integer"}}}


def _response(**fields: Any) -> ChatRequest:
    return responses.chat_request(ResponsesRequest.model_validate({"input": "q", **fields}))[0]


def _notes(**fields: Any) -> list[str]:
    return responses.chat_request(ResponsesRequest.model_validate({"input": "q", **fields}))[2]


def test_every_field_that_openai_documents_is_known() -> None:
    documented = set(ResponseCreateParamsBase.__annotations__)
    assert documented <= ResponsesRequest.model_fields.keys() | responses.IGNORED
    assert not responses.IGNORED & ResponsesRequest.model_fields.keys()
    counted = set(InputTokenCountParams.__annotations__)
    assert counted <= responses.InputTokensRequest.model_fields.keys() | responses.IGNORED


def test_instructions_and_the_first_turns_are_one_system_message() -> None:
    turns = [
        {"role": "developer", "content": "Second."},
        {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "q"}]},
        {"role": "system", "content": "Later."},
        {"role": "user", "content": [{"type": "input_text", "text": t} for t in "ab"]},
    ]
    assert _response(input=turns, instructions="First.").messages == [
        {"role": "system", "content": "First.\n\nSecond."},
        {"role": "user", "content": "q"},
        {"role": "system", "content": "Later."},
        {"role": "user", "content": [{"type": "text", "text": t} for t in "ab"]},
    ]


def test_what_the_model_did_in_one_turn_is_one_message() -> None:
    picture = {"type": "input_image", "image_url": "data:image/png;base64,eA=="}
    turns: Any = [
        {"role": "user", "content": "q"},
        {"type": "reasoning", "summary": [], "encrypted_content": "x"},
        {"type": "reasoning", "content": [{"type": "reasoning_text", "text": "Hm."}]},
        {
            "type": "message",
            "role": "assistant",
            "status": "completed",
            "content": [{"type": "output_text", "text": "Let me see."}],
        },
        {"type": "function_call", "call_id": "a", "name": "f", "arguments": "{}"},
        {"type": "function_call", "call_id": "b", "name": "g", "namespace": "n", "arguments": "{}"},
        {"type": "custom_tool_call", "call_id": "c", "name": "patch", "input": "+ é"},
        {"type": "function_call_output", "call_id": "a", "output": "1"},
        {"type": "function_call_output", "call_id": "b", "output": [picture]},
        {"type": "custom_tool_call_output", "call_id": "c", "output": "done"},
        {"role": "user", "content": "so?"},
    ]
    names = [("a", "f", "{}"), ("b", "n__g", "{}"), ("c", "patch", '{"input": "+ é"}')]
    calls = [
        {"id": i, "type": "function", "function": {"name": n, "arguments": a}} for i, n, a in names
    ]
    url = {"url": picture["image_url"], "detail": "auto"}
    assert _response(input=turns).messages[1:] == [
        {"role": "assistant", "content": "Let me see.", "reasoning": "Hm.", "tool_calls": calls},
        {"role": "tool", "tool_call_id": "a", "content": "1"},
        {"role": "tool", "tool_call_id": "b", "content": ""},
        {"role": "tool", "tool_call_id": "c", "content": "done"},
        {"role": "user", "content": [{"type": "image_url", "image_url": url}]},
        {"role": "user", "content": "so?"},
    ]


def test_options_have_the_names_of_chat_completions() -> None:
    schema = {"type": "object"}
    form = {"type": "json_schema", "name": "a", "schema": schema, "strict": True}
    chat = _response(
        max_output_tokens=7,
        text={"format": form, "verbosity": "low"},
        reasoning={"effort": "high"},
        top_logprobs=2,
        top_k=5,
        best_of=3,
        bestofn={"selector": "vote"},
        stream=True,
    )
    assert (chat.token_limit, chat.best_of, chat.stream) == (7, 3, True)
    assert chat.bestofn is not None
    assert chat.bestofn.selector is not None
    assert chat.stream_options is not None
    assert chat.stream_options.include_usage
    assert chat.further == {
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": "a", "schema": schema, "strict": True},
        },
        "verbosity": "low",
        "reasoning_effort": "high",
        "logprobs": True,
        "top_logprobs": 2,
        "top_k": 5,
    }


def test_tools_of_all_kinds_are_functions_or_told() -> None:
    tools = [
        {"type": "function", "name": "f", "description": "d", "parameters": FUNCTION},
        {"type": "custom", "name": "patch", "format": {"type": "grammar", "syntax": "lark"}},
        {"type": "namespace", "name": "n", "tools": [{"type": "function", "name": "g"}]},
        {"type": "web_search"},
    ]
    with pytest.raises(InvalidBodyError, match=r"tools\.1\.format"):
        _response(tools=tools)
    tools[1]["format"] = {"type": "grammar", "syntax": "lark", "definition": "start: X"}
    chat = _response(tools=tools, parallel_tool_calls=False, tool_choice="required")
    names = [tool["function"]["name"] for tool in chat.further["tools"]]
    assert names == ["f", "patch", "n__g"]
    assert chat.further["tools"][0]["function"] == {
        "name": "f",
        "description": "d",
        "parameters": FUNCTION,
    }
    assert chat.further["tool_choice"] == "required"
    assert chat.further["parallel_tool_calls"] is False
    assert _notes(tools=tools) == [
        "tools.1: the grammar of 'patch' is not enforced",
        "tools.3: this server runs no web_search: the model is not told of it",
    ]


@pytest.mark.parametrize(
    ("asked", "choice", "left"),
    [
        ("none", "none", ["f", "patch"]),
        ({"type": "function", "name": "f"}, {"type": "function", "function": {"name": "f"}}, None),
        (
            {"type": "custom", "name": "patch"},
            {"type": "function", "function": {"name": "patch"}},
            None,
        ),
        (
            {
                "type": "allowed_tools",
                "mode": "required",
                "tools": [{"type": "function", "name": "f"}],
            },
            "required",
            ["f"],
        ),
    ],
)
def test_a_choice_of_tools_is_made(asked: Any, choice: Any, left: list[str] | None) -> None:
    tools = [{"type": "function", "name": "f"}, {"type": "custom", "name": "patch"}]
    further = _response(tools=tools, tool_choice=asked).further
    assert further["tool_choice"] == choice
    assert [tool["function"]["name"] for tool in further["tools"]] == (left or ["f", "patch"])


def test_what_codex_sends_is_taken() -> None:
    developer = [{"type": "input_text", "text": "Be careful."}]
    turns: Any = [
        {"type": "message", "role": "developer", "content": developer},
        {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "q"}]},
        {"type": "reasoning", "summary": [], "content": None, "encrypted_content": None},
        {"type": "function_call", "name": "shell", "arguments": "{}", "call_id": "a"},
        {"type": "function_call_output", "call_id": "a", "output": "ok"},
    ]
    grammar = {"type": "grammar", "syntax": "lark", "definition": "start: X"}
    asked: dict[str, Any] = {
        "model": "m",
        "instructions": "",
        "input": turns,
        "tools": [
            {"type": "function", "name": "shell", "strict": False, "parameters": FUNCTION},
            {"type": "custom", "name": "apply_patch", "description": "d", "format": grammar},
            {"type": "web_search", "external_web_access": False},
        ],
        "tool_choice": "auto",
        "parallel_tool_calls": False,
        "reasoning": {"effort": "medium", "summary": "auto"},
        "store": False,
        "stream": True,
        "include": ["reasoning.encrypted_content"],
        "prompt_cache_key": "c",
        "text": {"verbosity": "low"},
        "client_metadata": {"a": "b"},
    }
    chat = _response(**asked)
    assert [each["role"] for each in chat.messages] == ["system", "user", "assistant", "tool"]
    assert [tool["function"]["name"] for tool in chat.further["tools"]] == ["shell", "apply_patch"]
    assert "client_metadata" not in chat.further
    assert [note.partition(":")[0] for note in _notes(**asked)] == [
        "tools.1",
        "tools.2",
        "reasoning.summary",
        "client_metadata",
    ]


REFUSED_RESPONSES: list[tuple[dict[str, Any], str]] = [
    ({"input": [{"type": "web_search_call"}]}, "input.0.type"),
    ({"input": [{"type": 3}]}, "input.0.type"),
    ({"input": [{"role": "user", "content": [{"type": "input_text"}]}]}, "input.0.content.0.text"),
    ({"input": [{"role": "user", "content": [{"type": "input_audio"}]}]}, "input.0.content.0.type"),
    ({"input": [{"role": "user", "content": ["q"]}]}, "input.0.content.0"),
    ({"input": [{"role": "user"}]}, "input.0.content"),
    ({"input": [{"role": "robot", "content": "q"}]}, "input.0.role"),
    (
        {"input": [{"role": "user", "content": [{"type": "input_image", "file_id": "f"}]}]},
        "input.0.content.0",
    ),
    (
        {"input": [{"role": "system", "content": [{"type": "input_image", "image_url": "x"}]}]},
        "input.0.content",
    ),
    ({"input": [{"type": "function_call", "name": "f", "arguments": "{}"}]}, "input.0.call_id"),
    ({"input": [{"type": "function_call_output", "output": "x"}]}, "input.0.call_id"),
    ({"tools": [{"type": "function"}]}, "tools.0.name"),
    ({"tools": [{}]}, "tools.0.type"),
    ({"tools": [{"type": "namespace", "name": "n", "tools": ["x"]}]}, "tools.0.tools.0"),
    ({"tools": [{"type": "namespace", "name": "n", "tools": 5}]}, "tools.0.tools"),
    ({"tools": [{"type": "namespace", "tools": []}]}, "tools.0.name"),
    ({"tool_choice": {"type": "allowed_tools", "tools": ["x"]}}, "tool_choice.tools.0"),
    ({"tool_choice": {"type": "allowed_tools", "tools": 5}}, "tool_choice.tools"),
    ({"tool_choice": {"type": "allowed_tools", "tools": [], "mode": 5}}, "tool_choice.mode"),
    ({"tool_choice": {"type": "web_search"}}, "tool_choice"),
    ({"tool_choice": {"type": "function", "name": "none"}}, "tool_choice.name"),
    ({"messages": []}, "messages"),
    ({"max_tokens": 3}, "max_tokens"),
    ({"n": 2}, "n"),
]


@pytest.mark.parametrize(("fields", "path"), REFUSED_RESPONSES, ids=str)
def test_what_is_no_input_is_refused_by_its_place(fields: dict[str, Any], path: str) -> None:
    with pytest.raises(InvalidBodyError) as caught:
        _response(**fields)
    assert caught.value.param == path
    assert str(caught.value).startswith(f"{path}: ")


def test_what_has_no_effect_is_told() -> None:
    told = _notes(store=True, truncation="auto", reasoning={"summary": "auto"}, max_tool_calls=3)
    assert [note.partition(":")[0] for note in told] == [
        "store",
        "truncation",
        "reasoning.summary",
        "max_tool_calls",
    ]
    assert _notes(store=False, include=["reasoning.encrypted_content"]) == []


@pytest.mark.parametrize(
    ("cache", "written"),
    [
        ({"cached_tokens": 4}, {}),
        ({"cached_tokens": 4, "cache_write_tokens": 0}, {"cache_write_tokens": 0}),
        ({"cached_tokens": 4, "created_cache_tokens": 2}, {"cache_write_tokens": 2}),
    ],
)
def test_details_of_the_usage_are_kept(cache: dict[str, int], written: dict[str, int]) -> None:
    usage = {
        "prompt_tokens": 10,
        "completion_tokens": 5,
        "total_tokens": 15,
        "prompt_tokens_details": cache,
        "completion_tokens_details": {"reasoning_tokens": 2},
    }
    choice = {"message": {"content": "x"}, "finish_reason": "stop"}
    completion: Any = {"choices": [choice], "usage": usage}
    whole = ResponsesSurface(ResponsesRequest.model_validate({"input": "q"})).answer(completion)
    assert whole["usage"] == {
        "input_tokens": 10,
        "input_tokens_details": {"cached_tokens": 4, **written},
        "output_tokens": 5,
        "output_tokens_details": {"reasoning_tokens": 2},
        "total_tokens": 15,
    }
