"""Which field an error names, of fields that may have several forms: a client's own names, and no
validator's."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.serving import app_of, client_of, error_of

TURN = {"role": "user", "content": "q"}


@pytest.mark.parametrize(
    ("path", "body", "param", "said"),
    [
        ("/v1/responses", {"input": []}, "input", "must not be empty"),
        ("/v1/responses", {"input": [None]}, "input.0", "must be a mapping"),
        ("/v1/responses", {"input": 5}, "input", "must be"),
        ("/v1/responses", {"input": "x", "reasoning": 5}, "reasoning", "must be a mapping"),
        ("/v1/completions", {"prompt": []}, "prompt", "must"),
        ("/v1/completions", {"prompt": None}, "prompt", "must"),
        ("/v1/rewards", {"prompt": "x", "responses": [{"text": 5}]}, "responses.0.text", "must"),
        ("/v1/chat/completions", {"messages": []}, "messages", "must not be empty"),
        ("/v1/chat/completions", [], None, "the body must be a mapping"),
        ("/v1/chat/completions", {"messages": [TURN], "n": 3, "best_of": 2}, "n", "n is 3"),
        ("/v1/completions", {"prompt": "x", "stream_options": {}}, "stream_options", "stream_opt"),
        ("/score", {"text_1": ["a", "b"], "text_2": ["x"] * 3}, "text_1", "2 queries and 3"),
        ("/tokenize", {"prompt": "", "messages": [{}]}, None, "give either prompt or messages"),
    ],
)
async def test_the_field_is_named_as_the_client_spells_it(
    path: str, body: Any, param: str | None, said: str
) -> None:
    async with client_of(app_of()) as client:
        answer = await client.post(path, json=body)
    assert answer.status_code == 400
    error = error_of(answer)
    assert error["param"] == param
    assert error["message"].removeprefix(f"{param}: ").startswith(said)
    assert "constrained" not in error["message"]
