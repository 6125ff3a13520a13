"""What a request for a message comes to as a chat completion request, or why it is refused."""

from __future__ import annotations

from typing import Any

import pytest
from anthropic.types.message_create_params import MessageCreateParamsNonStreaming

from bestofn_server.errors import InvalidBodyError
from bestofn_server.surfaces.messages import request as messages
from bestofn_server.surfaces.messages.surface import MessagesSurface
from bestofn_server.wire.requests import ChatRequest

FUNCTION: Any = {"type": "object", "properties": {"x": {"type": "integer"}}}


def _message(**fields: Any) -> ChatRequest:
    return _noted(**fields)[0]


def _noted(**fields: Any) -> tuple[ChatRequest, list[str]]:
    asked = {"max_tokens": 9, "messages": [{"role": "user", "content": "q"}], **fields}
    return messages.chat_request(messages.MessagesRequest.model_validate(asked))


def test_every_field_that_anthropic_documents_is_known() -> None:
    documented = set(MessageCreateParamsNonStreaming.__annotations__)
    assert documented <= messages.MessagesRequest.model_fields.keys() | messages.IGNORED


def test_blocks_are_the_same_turns() -> None:
    source = {"type": "url", "url": "https://example.org/a.png"}
    turns: Any = [
        {"role": "user", "content": [{"type": "text", "text": "q"}]},
        {
            "role": "assistant",
            "content": [
                {"type": "thinking", "thinking": "Hm.", "signature": "s"},
                {"type": "redacted_thinking", "data": "x"},
                {"type": "text", "text": "Let me see.", "cache_control": {"type": "ephemeral"}},
                {"type": "tool_use", "id": "a", "name": "f", "input": {"x": 1}},
            ],
        },
        {
            "role": "user",
            "content": [
                {
                    "type": "tool_result",
                    "tool_use_id": "a",
                    "is_error": True,
                    "content": [
                        {"type": "text", "text": "1"},
                        {"type": "image", "source": source},
                    ],
                },
                {"type": "text", "text": "so?"},
            ],
        },
    ]
    chat, notes = _noted(messages=turns, system=[{"type": "text", "text": t} for t in ("a", "b")])
    function = {"name": "f", "arguments": '{"x": 1}'}
    assert chat.messages == [
        {"role": "system", "content": "a\nb"},
        {"role": "user", "content": "q"},
        {
            "role": "assistant",
            "content": "Let me see.",
            "reasoning": "Hm.",
            "tool_calls": [{"id": "a", "type": "function", "function": function}],
        },
        {"role": "tool", "tool_call_id": "a", "content": "1"},
        {"role": "user", "content": [{"type": "image_url", "image_url": {"url": source["url"]}}]},
        {"role": "user", "content": "so?"},
    ]
    assert notes == ["messages.2.content.0.is_error: the model reads the content alone"]


def test_options_have_the_names_of_chat_completions() -> None:
    schema = {"type": "object"}
    chat = _message(
        stop_sequences=["x"],
        top_k=5,
        output_config={"format": {"type": "json_schema", "schema": schema}, "effort": "low"},
        chat_template_kwargs={"a": 1},
    )
    assert chat.token_limit == 9
    assert chat.further == {
        "stop": ["x"],
        "top_k": 5,
        "reasoning_effort": "low",
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": "answer", "schema": schema, "strict": True},
        },
        "chat_template_kwargs": {"a": 1},
    }


def test_a_format_has_the_name_of_the_betas_too() -> None:
    form = {"type": "json_schema", "schema": {"type": "object"}}
    now = _message(output_config={"format": form}).further
    assert "response_format" in now
    assert _message(output_format=form).further == now
    assert _message(output_format=form, output_config={"format": form}).further == now


@pytest.mark.parametrize(
    ("thinking", "effort"),
    [
        ({"type": "disabled"}, "none"),
        ({"type": "adaptive"}, None),
        ({"type": "enabled", "budget_tokens": 1024}, "low"),
        ({"type": "enabled", "budget_tokens": 1025}, "medium"),
        ({"type": "enabled", "budget_tokens": 30_000}, "high"),
    ],
)
def test_a_budget_for_thinking_is_an_effort(thinking: Any, effort: str | None) -> None:
    assert _message(thinking=thinking).further.get("reasoning_effort") == effort


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        ({"type": "auto", "disable_parallel_tool_use": True}, "auto"),
        ({"type": "any"}, "required"),
        ({"type": "none"}, "none"),
        ({"type": "tool", "name": "f"}, {"type": "function", "function": {"name": "f"}}),
    ],
)
def test_a_choice_of_claudes_tools_is_made(choice: Any, expected: Any) -> None:
    tools = [
        {"name": "f", "input_schema": FUNCTION},
        {"type": "web_search_20250305", "name": "web_search"},
    ]
    chat, notes = _noted(tools=tools, tool_choice=choice)
    assert chat.further["tool_choice"] == expected
    assert chat.further.get("parallel_tool_calls") == (False if "disable" in str(choice) else None)
    assert [tool["function"]["name"] for tool in chat.further["tools"]] == ["f"]
    assert notes == [
        "tools.1: this server runs no web_search_20250305: the model is not told of it"
    ]


@pytest.mark.parametrize("kind", ["x" * 1_000_000, ["x"] * 100_000])
def test_a_note_quotes_no_more_of_a_tools_type_than_its_beginning(kind: Any) -> None:
    _, (note,) = _noted(tools=[{"type": kind, "name": "f"}])
    assert note.startswith("tools.0: this server runs no ")
    assert len(note) < 400


def _user(*blocks: Any) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": list(blocks)}]}


REFUSED_MESSAGES: list[tuple[dict[str, Any], str]] = [
    (_user({"type": "server_tool_use"}), "messages.0.content.0.type"),
    (_user({"type": "text"}), "messages.0.content.0.text"),
    (_user("q"), "messages.0.content.0"),
    (_user({"type": "image"}), "messages.0.content.0.source"),
    (_user({"type": "image", "source": {"type": "file"}}), "messages.0.content.0.source.type"),
    (
        _user({"type": "image", "source": {"type": "base64", "data": "x"}}),
        "messages.0.content.0.source.media_type",
    ),
    (_user({"type": "tool_result", "content": "x"}), "messages.0.content.0.tool_use_id"),
    ({"messages": [{"role": "tool", "content": "x"}]}, "messages.0.role"),
    ({"messages": [{"role": "assistant", "content": "The answer is"}]}, "messages.0"),
    ({"system": [{"type": "image"}]}, "system.0"),
    ({"tools": [{"name": "f"}]}, "tools.0.input_schema"),
    ({"tools": [{"input_schema": {}}]}, "tools.0.name"),
    ({"tool_choice": {"type": "tool", "name": "f"}}, "tool_choice.name"),
    ({"tool_choice": {"type": "any"}}, "tool_choice"),
    ({"thinking": {"type": "enabled"}}, "thinking.budget_tokens"),
    (
        {
            "output_format": {"type": "json_schema", "schema": {"type": "object"}},
            "output_config": {"format": {"type": "json_schema", "schema": {"type": "array"}}},
        },
        "output_format",
    ),
    ({"stop": ["x"]}, "stop"),
    ({"n": 2}, "n"),
]


@pytest.mark.parametrize(("fields", "path"), REFUSED_MESSAGES, ids=str)
def test_what_is_no_message_is_refused_by_its_place(fields: dict[str, Any], path: str) -> None:
    with pytest.raises(InvalidBodyError) as caught:
        _message(**fields)
    assert caught.value.param == path
    assert str(caught.value).startswith(f"{path}: ")


def test_what_has_no_effect_is_told() -> None:
    assert _noted(metadata={"user_id": "x"})[1] == ["metadata: it has no effect here"]


@pytest.mark.parametrize(
    ("said", "expected"),
    [("###", ("stop_sequence", "###")), ("other", ("end_turn", None)), (None, ("end_turn", None))],
)
def test_a_stop_sequence_is_told_where_the_engine_says_which(
    said: str | None, expected: tuple[str, str | None]
) -> None:
    turns = [{"role": "user", "content": "q"}]
    asked = {"max_tokens": 9, "messages": turns, "stop_sequences": ["###"]}
    surface = MessagesSurface(messages.MessagesRequest.model_validate(asked))
    choice = {"message": {"content": "x"}, "finish_reason": "stop", "stop_reason": said}
    answer = surface.answer({"choices": [choice]})
    assert (answer["stop_reason"], answer["stop_sequence"]) == expected
    assert answer["usage"] == {"input_tokens": None, "output_tokens": None}


@pytest.mark.parametrize("name", ["cache_write_tokens", "created_cache_tokens"])
def test_tokens_of_the_cache_are_counted_apart(name: str) -> None:
    usage = {
        "prompt_tokens": 10,
        "completion_tokens": 5,
        "total_tokens": 15,
        "prompt_tokens_details": {"cached_tokens": 4, name: 3},
        "completion_tokens_details": {"reasoning_tokens": 2},
    }
    choice = {"message": {"content": "x"}, "finish_reason": "stop"}
    completion: Any = {"choices": [choice], "usage": usage}
    turns = [{"role": "user", "content": "q"}]
    asked = messages.MessagesRequest.model_validate({"max_tokens": 9, "messages": turns})
    assert MessagesSurface(asked).answer(completion)["usage"] == {
        "input_tokens": 3,
        "output_tokens": 5,
        "cache_read_input_tokens": 4,
        "cache_creation_input_tokens": 3,
    }
