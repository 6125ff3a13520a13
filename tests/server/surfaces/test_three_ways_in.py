"""The same request over every surface and every way in comes to the same winner."""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import prometheus_client
import pytest
from fastapi import FastAPI
from starlette.responses import JSONResponse, Response

from bestofn import Pipeline, Request, Settings
from bestofn.builders.choosing import build_selector
from bestofn.testing import FakeCompletion, FakeGenerator
from bestofn_server.app import create_app, open_service
from bestofn_server.vllm_plugin import BestOfNPlugin, uncovered
from tests.support.serving import client_of
from tests.support.surfaces import check_message, check_response, events_of
from tests.support.upstream import Upstream, running

N = 4
SETTINGS: dict[str, Any] = {"best_of": N, "seed": 7}
TURNS = [{"role": "user", "content": "What?"}]
ANSWERS = ("8", "7", "It is 8.", "9")


def said_with(seed: int | None) -> str:
    """What a candidate says that samples with this seed: the same on every engine."""
    assert seed is not None
    return ANSWERS[seed * 5 % 4] if seed % 3 else "8"


def _sampled(request: Request, index: int) -> FakeCompletion:
    return FakeCompletion(said_with(request.seed_of(index)))


def _answered(body: dict[str, Any]) -> Response:
    message = {"role": "assistant", "content": said_with(body["seed"])}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    usage = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}
    return JSONResponse({"choices": [choice], "usage": usage})


def _pipeline() -> Pipeline:
    return Pipeline(FakeGenerator(_sampled), build_selector(Settings().selector))


@contextlib.asynccontextmanager
async def in_process() -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(create_app(Settings(model="m", **SETTINGS), _pipeline())) as client:
        yield client


@contextlib.asynccontextmanager
async def over_an_upstream() -> AsyncIterator[httpx.AsyncClient]:
    with running(Upstream(_answered)) as upstream:
        settings = Settings(upstream=f"{upstream.url}/v1", reward_model="none", **SETTINGS)
        async with client_of(create_app(settings)) as client:
            yield client


@contextlib.asynccontextmanager
async def in_the_plug_in() -> AsyncIterator[httpx.AsyncClient]:
    """In an app that is not ours, as vLLM calls a plug-in; no engine is started."""
    app = FastAPI()
    BestOfNPlugin().attach_router(app)
    registry = prometheus_client.CollectorRegistry()
    app.state.bestofn = await open_service(Settings(**SETTINGS), _pipeline(), registry)
    async with client_of(app) as client:
        yield client


WAYS: dict[str, Any] = {
    "in process": in_process,
    "upstream": over_an_upstream,
    "plug-in": in_the_plug_in,
}
BODIES: dict[str, dict[str, Any]] = {
    "/v1/chat/completions": {"messages": TURNS},
    "/v1/responses": {"input": "What?"},
    "/v1/messages": {"max_tokens": 9, "messages": TURNS},
}


def _text(path: str, body: Any) -> str:
    if path == "/v1/chat/completions":
        return str(body["choices"][0]["message"]["content"])
    content = body["output"][0]["content"] if path == "/v1/responses" else body["content"]
    return str(content[0]["text"])


async def test_the_winner_is_the_same_nine_times() -> None:
    texts = [said_with(7 + index) for index in range(N)]
    assert texts.count("8") < N
    found = {}
    for way, opened in WAYS.items():
        async with opened() as client:
            for path, body in BODIES.items():
                answer = await client.post(path, json=body)
                assert answer.status_code == 200, answer.text
                winner = answer.headers["x-bestofn-winner"], answer.headers["x-bestofn-confidence"]
                found[way, path] = (_text(path, answer.json()), *winner)
    assert len(found) == 9
    assert len(set(found.values())) == 1, found
    assert next(iter(found.values()))[0] in texts


@pytest.mark.parametrize("way", WAYS)
async def test_streams_end_with_the_same_winner(way: str) -> None:
    async with WAYS[way]() as client:
        stream = {"stream": True}
        response = await client.post("/v1/responses", json={**BODIES["/v1/responses"], **stream})
        told = check_response(events_of(response.content))
        message = await client.post("/v1/messages", json={**BODIES["/v1/messages"], **stream})
        blocks, last = check_message(events_of(message.content))
        whole = (await client.post("/v1/responses", json=BODIES["/v1/responses"])).json()
    assert _text("/v1/responses", told) == blocks[0]["text"] == _text("/v1/responses", whole)
    assert told["bestofn"]["winner"] == last["bestofn"]["winner"] == whole["bestofn"]["winner"]
    assert told["usage"] == whole["usage"]


@pytest.mark.parametrize("path", ["/v1/responses", "/v1/messages"])
async def test_best_of_one_is_really_streamed_over_an_upstream(path: str) -> None:
    words = [
        {"choices": [{"index": 0, "delta": {"content": word}}]} for word in ("It ", "is ", "8.")
    ]
    usage = {"prompt_tokens": 3, "completion_tokens": 3, "total_tokens": 6}
    ends = [
        {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]},
        {"choices": [], "usage": usage},
    ]
    lines = [*(json.dumps(each) for each in [*words, *ends]), "[DONE]"]
    sent = "".join(f"data: {line}\n\n" for line in lines)

    def script(body: dict[str, Any]) -> Response:
        return Response(sent, media_type="text/event-stream")

    with running(Upstream(script)) as upstream:
        settings = Settings(upstream=f"{upstream.url}/v1", reward_model="none", best_of=1)
        async with client_of(create_app(settings)) as client:
            answer = await client.post(path, json={**BODIES[path], "stream": True})
    assert upstream.bodies[-1]["stream_options"] == {"include_usage": True}
    events = events_of(answer.content)
    if path == "/v1/responses":
        told = check_response(events)
        deltas = [each["delta"] for each in events if each["type"].endswith("text.delta")]
        assert told["usage"]["output_tokens"] == 3
    else:
        _, last = check_message(events)
        deltas = [each["delta"]["text"] for each in events if each["type"] == "content_block_delta"]
        assert last["usage"] == {"input_tokens": 3, "output_tokens": 3}
    assert deltas == ["It ", "is ", "8."]


def test_what_of_vllms_own_answers_without_best_of_n_is_named() -> None:
    app = FastAPI()

    def route(path: str, module: str, method: str = "POST") -> None:
        async def endpoint() -> None: ...

        endpoint.__module__ = f"vllm.entrypoints.{module}"
        app.add_api_route(path, endpoint, methods=[method])

    route("/v1/chat/completions/batch", "openai.chat_completion.api_router")
    route("/v1/responses", "openai.responses.api_router")
    route("/v1/responses/{response_id}", "openai.responses.api_router", "GET")
    route("/v1/responses/{response_id}/cancel", "openai.responses.api_router")
    route("/invocations", "serve.sagemaker.api_router")
    route("/tokenize", "serve.tokenize.api_router")
    route("/v1/messages/render", "scale_out.render.api_router")
    BestOfNPlugin().attach_router(app)
    assert uncovered(app.routes) == ["POST /invocations", "POST /v1/chat/completions/batch"]


async def test_a_key_of_anthropics_passes_a_guard_that_reads_bearers() -> None:
    from bestofn_server.http.auth import KeyAsBearer

    seen: list[Any] = []

    async def guard(scope: Any, receive: Any, send: Any) -> None:
        seen.append(dict(scope["headers"]).get(b"authorization"))

    middleware = KeyAsBearer(guard)
    for headers in (
        [(b"x-api-key", b"secret")],
        [(b"x-api-key", b"secret"), (b"authorization", b"Bearer own")],
        [],
    ):
        await middleware({"type": "http", "headers": headers}, None, None)  # type: ignore[arg-type]
    assert seen == [b"Bearer secret", b"Bearer own", None]


def test_the_candidates_differ() -> None:
    assert len({said_with(7 + index) for index in range(N)}) > 1
