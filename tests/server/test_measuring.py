"""Requests that only measure: one candidate answers, and a header says by which field."""

from __future__ import annotations

from typing import Any

import pytest

from bestofn import Pipeline, Settings
from bestofn.selection.argmax import ArgmaxSelector
from bestofn_server.app import create_app
from bestofn_server.service.measuring import NOTHING_TO_CHOOSE
from tests.support.forwarding import ForwardingGenerator
from tests.support.planning import plain_pipeline, planned
from tests.support.serving import app_of, ask, client_of, error_of

CHAT, TEXT = "/v1/chat/completions", "/v1/completions"
IDS = [[1, 2, 3], [4, 5]]
LOGLIKELIHOOD = {
    "prompt": IDS,
    "temperature": 0,
    "max_tokens": 1,
    "logprobs": 1,
    "seed": 1234,
    "echo": True,
}
"""What lm-eval's local-completions sends for a loglikelihood."""


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"prompt": "2 + 3 = 5", "echo": True, "logprobs": 1, "max_tokens": 0}, "echo"),
        ({"prompt": "2 + 3 = 5", "echo": True, "n": 2}, "echo"),
        ({"prompt": "2 + 3 = 5", "echo": True, "best_of": 4}, "echo"),
        (LOGLIKELIHOOD, "prompt"),
        ({"prompt": [1, 2]}, "prompt"),
        ({"prompt": "x", "prompt_logprobs": 0}, "prompt_logprobs"),
        (ask(prompt_logprobs=1), "prompt_logprobs"),
        ({"prompt": "x", "max_tokens": 0}, "max_tokens"),
        ({"prompt": "x", "max_tokens": 1, "logprobs": 5}, "max_tokens"),
        ({"prompt": "x", "max_tokens": 1, "logprobs": 0}, "max_tokens"),
        (ask(max_completion_tokens=1, logprobs=True, top_logprobs=5), "max_tokens"),
        (ask(max_tokens=1, logprobs=True, n=1), "max_tokens"),
        ({"prompt": "x", "max_tokens": 1}, None),
        ({"prompt": "x", "max_tokens": 2, "logprobs": 1}, None),
        ({"prompt": "x", "max_tokens": 1, "logprobs": 1, "best_of": 4}, None),  # a vote
        (ask(max_tokens=1, logprobs=True, n=2), None),
        (ask(max_tokens=1, logprobs=False), None),
        ({"prompt": "x", "echo": False, "prompt_logprobs": None}, None),
        ({"prompt": "x", "max_tokens": 1, "logprobs": 1, "bestofn": {}}, None),
        ({"prompt": "x", "echo": True, "best_of": 1}, None),  # it asks for one by itself
    ],
)
async def test_what_measures_is_the_engines_own(body: dict[str, Any], field: str | None) -> None:
    job = await planned(body, pipeline=plain_pipeline(ForwardingGenerator()))
    assert job.measures == field
    if field is not None:
        assert job.requests == ()
        assert job.forward is not None
        sent = {name: value for name, value in body.items() if name != "best_of"}
        assert job.forward == sent
        prompts = len(IDS) if body.get("prompt") == IDS else 1
        limit = body.get("max_tokens", body.get("max_completion_tokens", 1024))
        assert job.tokens == prompts * body.get("n", 1) * max(1, limit)


async def test_a_header_says_so_and_only_then() -> None:
    chunk = {"id": "its own", "choices": [{"index": 0, "text": "5", "finish_reason": "length"}]}
    pipeline = Pipeline(ForwardingGenerator(chunks=[chunk]), ArgmaxSelector())
    async with client_of(create_app(Settings(best_of=4), pipeline)) as client:
        for stream in (False, True):
            response = await client.post(TEXT, json={**LOGLIKELIHOOD, "stream": stream})
            assert response.status_code == 200, response.text
            assert "its own" in response.text
            assert response.headers[NOTHING_TO_CHOOSE] == "prompt"
        for body in ({"prompt": "x"}, {"prompt": "x", "best_of": 1}):
            assert NOTHING_TO_CHOOSE not in (await client.post(TEXT, json=body)).headers


async def test_an_engine_without_an_api_of_its_own_says_what_it_cannot_do() -> None:
    async with client_of(app_of(["good"])) as client:
        for body, said in (
            ({"prompt": "x", "echo": True}, "echo: taken with best_of 1 only"),
            ({"prompt": [1]}, "a prompt of token ids"),
            ({"prompt": "x", "max_tokens": 0}, "max_tokens is 0; it must be at least 1"),
        ):
            response = await client.post(TEXT, json=body)
            assert response.status_code == 400
            assert said in error_of(response)["message"]
        one = await client.post(CHAT, json=ask(max_tokens=1, logprobs=True))
        assert one.status_code == 200
