"""Odd fields of an upstream on every surface, whole and streamed: no answer is lost over them."""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator, Awaitable
from typing import Any

import httpx
import pytest
from starlette.responses import Response

from bestofn import Pipeline, Settings
from bestofn.builders.pipeline import build_filters
from bestofn.generators.openai import openai_generator
from bestofn.selection.argmax import ArgmaxSelector
from bestofn.testing import FakeRewardModel
from bestofn_server.app import create_app
from tests.support.odd_answers import CALL, GOOD, answer, choice, sent
from tests.support.serving import client_of
from tests.support.upstream import Script, Upstream, running

pytestmark = pytest.mark.model

PATHS: dict[str, dict[str, Any]] = {
    "/v1/chat/completions": {"messages": [{"role": "user", "content": "x"}], "logprobs": True},
    "/v1/responses": {"input": "x", "include": ["message.output_text.logprobs"]},
    "/v1/messages": {"messages": [{"role": "user", "content": "x"}], "max_tokens": 9},
}


class Says:
    """An upstream's script that can be changed."""

    script: Script

    def __call__(self, body: dict[str, Any]) -> Response | Awaitable[Response]:
        return self.script(body)


@contextlib.asynccontextmanager
async def over(says: Says) -> AsyncIterator[httpx.AsyncClient]:
    says.script = upstream_of(COUNTS)
    with running(Upstream(says)) as upstream:
        settings = Settings(upstream=upstream.url, reward_model="none")
        async with openai_generator(upstream.url) as generator:
            rewards = FakeRewardModel(lambda request, candidate: 1.0)
            filters = build_filters(settings.filters)
            pipeline = Pipeline(generator, ArgmaxSelector(), filters, rewards)
            async with client_of(create_app(settings, pipeline)) as client:
                yield client


def streamed(choice_given: dict[str, Any], usage: Any) -> Response:
    """The same answer in three chunks."""
    message = choice_given["message"]
    delta = {name: value for name, value in message.items() if name != "tool_calls"}
    if calls := message.get("tool_calls"):
        delta["tool_calls"] = [{**call, "index": at} for at, call in enumerate(calls)]
    first = {"index": 0, "delta": delta, "logprobs": choice_given.get("logprobs")}
    end = {"index": 0, "delta": {}, "finish_reason": choice_given["finish_reason"]}
    chunks = [{"choices": [first]}, {"choices": [end]}, {"choices": [], "usage": usage}]
    events = [*(json.dumps(chunk) for chunk in chunks), "[DONE]"]
    return Response("".join(f"data: {each}\n\n" for each in events), media_type="text/event-stream")


def upstream_of(usage: Any, **fields: Any) -> Script:
    def script(body: dict[str, Any]) -> Response:
        if body.get("stream"):
            return streamed(choice(0, **fields), usage)
        made = [choice(at, **fields) for at in range(body.get("n") or 1)]
        return sent(answer(made, usage=usage))

    return script


COUNTS = {"prompt_tokens": 5, "completion_tokens": 7}
USAGES = [
    {**COUNTS, "prompt_tokens_details": 5, "completion_tokens_details": "many"},
    {**COUNTS, "prompt_tokens_details": {"cached_tokens": "x", "cache_write_tokens": -1}},
    {**COUNTS, "completion_tokens_details": {"reasoning_tokens": 1e40}},
    [5],
    "many",
    {"prompt_tokens": -1, "completion_tokens": 1e40, "total_tokens": "x"},
]
TOKENS: list[Any] = [
    5,
    {"token": 5, "logprob": -1},
    {"token": "a", "logprob": "x"},
    {"token": "a", "logprob": -1, "bytes": 5},
    {"token": "a", "logprob": -1, "top_logprobs": 5},
    {"token": "a", "logprob": -1, "top_logprobs": [5, {"token": "b"}]},
    {"token": "a", "logprob": 1.7e308},
    {"logprob": -1},
    {"token": "a"},
]
ODD: list[tuple[Any, dict[str, Any]]] = [
    *((usage, {}) for usage in USAGES),
    *((COUNTS, {"logprobs": {"content": [token, token]}}) for token in TOKENS),
    (COUNTS, {"logprobs": {"content": 5}}),
]


@pytest.mark.parametrize("path", PATHS)
async def test_odd_counts_and_logprobs_are_not_known(path: str) -> None:
    async with over(says := Says()) as client:
        for usage, fields in ODD:
            says.script = upstream_of(usage, **fields)
            for best_of in (1, 3):
                for stream in (False, True):
                    asked: dict[str, Any] = {
                        "model": "stub",
                        "best_of": best_of,
                        "stream": stream,
                        **PATHS[path],
                    }
                    if stream and path == "/v1/chat/completions":
                        asked["stream_options"] = {"include_usage": True}
                    said = await client.post(path, json=asked)
                    about = (usage, fields, best_of, stream, said.text)
                    assert said.status_code == 200, about
                    assert GOOD in said.text, about
                    assert "error" not in said.text.replace('"error":null', ""), about
                    assert "1e+40" not in said.text, about
                    assert '"many"' not in said.text, about


@pytest.mark.parametrize("path", ["/v1/responses", "/v1/messages"])
async def test_odd_calls_are_calls(path: str) -> None:
    deep = '{"input": ' + "[" * 5000 + "]" * 5000 + "}"
    nested = {**CALL, "function": {"name": "f", "arguments": deep}}
    odd = [{**CALL, "id": 5}, {**CALL, "id": [5]}, *([nested] if path == "/v1/responses" else [])]
    async with over(says := Says()) as client:
        for call in odd:
            message = {"content": None, "tool_calls": [call]}
            says.script = upstream_of(COUNTS, finish="tool_calls", message=message)
            for stream in (False, True):
                asked: dict[str, Any] = {
                    "model": "stub",
                    "best_of": 1,
                    "stream": stream,
                    **PATHS[path],
                }
                asked.pop("include", None)
                said = await client.post(path, json=asked)
                assert said.status_code == 200, (call, stream, said.text[:400])
                assert "internal" not in said.text, (call, stream, said.text[:400])
