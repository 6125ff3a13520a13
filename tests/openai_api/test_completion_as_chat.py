"""A chat that is asked for as a raw completion: its fields, and the answer as a chat's again."""

from __future__ import annotations

from typing import Any

import pytest

from bestofn.core.errors import RequestError
from bestofn.openai_api.completion_as_chat import (
    as_chat,
    as_chat_chunk,
    chat_logprobs,
    completion_fields,
)


@pytest.mark.parametrize(
    ("chat", "completion"),
    [
        ({"top_p": 0.9, "my_field": 1}, {"top_p": 0.9, "my_field": 1}),
        ({"max_completion_tokens": 5}, {"max_tokens": 5}),
        ({"max_completion_tokens": None, "max_tokens": 4}, {"max_tokens": 4}),
        ({"logprobs": True}, {"logprobs": 1}),
        ({"logprobs": True, "top_logprobs": 3}, {"logprobs": 3}),
        ({"logprobs": False}, {}),
        ({"logprobs": None, "top_logprobs": None}, {}),
        ({"tools": [], "tool_choice": "none", "parallel_tool_calls": False}, {}),
        ({"messages": [], "chat_template_kwargs": {"a": 1}}, {}),
    ],
)
def test_the_fields(chat: dict[str, Any], completion: dict[str, Any]) -> None:
    assert completion_fields(chat) == completion


@pytest.mark.parametrize("name", ["tools", "functions", "continue_final_message"])
def test_what_needs_the_servers_own_template_is_refused(name: str) -> None:
    with pytest.raises(RequestError, match=f"^{name}: not taken here"):
        completion_fields({name: [1]})


def test_logprobs_have_the_form_of_a_chats() -> None:
    given = {
        "tokens": ["a", "é"],
        "token_logprobs": [-0.5, -1.0],
        "top_logprobs": [{"b": -2.0, "a": -0.5}, None],
        "text_offset": [0, 1],
    }
    found = chat_logprobs(given, 1)
    assert found is not None
    first, second = found["content"]
    assert first == {
        "token": "a",
        "logprob": -0.5,
        "bytes": [97],
        "top_logprobs": [{"token": "a", "logprob": -0.5, "bytes": [97]}],
    }
    assert second == {"token": "é", "logprob": -1.0, "bytes": [195, 169], "top_logprobs": []}
    assert chat_logprobs(given, 0) is not None
    assert chat_logprobs(None, 1) is None


@pytest.mark.parametrize("odd", [{"a": 1}, "text", 5, [{"a": "x", "b": None}], [[1]]])
def test_logprobs_of_no_form_are_left_out(odd: Any) -> None:
    found = chat_logprobs({"tokens": ["a"], "token_logprobs": odd, "top_logprobs": odd}, 1)
    assert found is not None
    assert found["content"][0]["token"] == "a"
    assert found["content"][0]["top_logprobs"] == []


def test_answers_and_chunks_have_the_form_of_a_chats() -> None:
    choice = {"index": 0, "text": "3", "finish_reason": "stop", "logprobs": None}
    answer = {"id": "x", "object": "text_completion", "choices": [choice], "usage": {"a": 1}}
    said = {"role": "assistant", "content": "3"}
    rest = {"index": 0, "finish_reason": "stop", "logprobs": None}
    assert as_chat(answer) == {
        "id": "x",
        "object": "chat.completion",
        "choices": [{**rest, "message": said}],
        "usage": {"a": 1},
    }
    chunk = as_chat_chunk(answer)
    assert chunk["object"] == "chat.completion.chunk"
    assert chunk["choices"] == [{**rest, "delta": said}]
    assert as_chat_chunk({"choices": [], "usage": {"a": 1}})["choices"] == []


@pytest.mark.parametrize("odd", ["abc", [1], {"a": 1}, 1.5])
def test_a_number_of_alternatives_that_is_none_is_the_requests_fault(odd: Any) -> None:
    with pytest.raises(RequestError, match=r"^top_logprobs: it has to be a whole number$"):
        completion_fields({"logprobs": True, "top_logprobs": odd})
