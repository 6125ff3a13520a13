"""What load balancers and clients look for: tokens, version, load, ping, HEAD and OPTIONS."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bestofn import Pipeline, RequestError, Settings, __version__
from bestofn.generators.openai import openai_generator
from bestofn.selection.argmax import ArgmaxSelector
from bestofn.testing import FakeCompletion, FakeGenerator
from bestofn_server.app import create_app
from tests.support.serving import app_of, ask, client_of, error_of
from tests.support.upstream import served

CHAT = "/v1/chat/completions"


class Letters(FakeGenerator):
    """A fake whose tokens are letters."""

    def __init__(self) -> None:
        super().__init__(["good"])
        self.asked: list[Mapping[str, Any]] = []

    async def tokenize(self, body: Mapping[str, Any]) -> Mapping[str, Any]:
        self.asked.append(body)
        text = body["prompt"] if "prompt" in body else body["messages"][-1]["content"]
        if "!" in text:
            raise RequestError("no exclamations")
        return {"count": len(text), "max_model_len": 64, "tokens": [ord(each) for each in text]}

    async def detokenize(self, body: Mapping[str, Any]) -> Mapping[str, Any]:
        return {"prompt": "".join(map(chr, body["tokens"]))}


def _app(generator: FakeGenerator, **settings: Any) -> Any:
    return create_app(Settings(**settings), Pipeline(generator, ArgmaxSelector()))


async def test_tokens_are_the_engines_own() -> None:
    letters = Letters()
    async with client_of(_app(letters, profiles={"lora": {"model": "a-lora"}})) as client:
        found = (await client.post("/tokenize", json={"prompt": "abc"})).json()
        said = {"messages": ask()["messages"], "add_generation_prompt": False, "model": "lora"}
        chat = (await client.post("/tokenize", json=said)).json()
        back = (await client.post("/detokenize", json={"tokens": found["tokens"]})).json()
        refused = await client.post("/tokenize", json={"prompt": "no!"})
        nobody = await client.post("/detokenize", json={"tokens": [1], "model": "none such"})
        neither = await client.post("/tokenize", json={"model": "lora"})
        negative = await client.post("/detokenize", json={"tokens": [-1]})
    assert found == {"count": 3, "max_model_len": 64, "tokens": [97, 98, 99]}
    assert back == {"prompt": "abc"}
    assert chat["count"] == len("What?")
    assert letters.asked[0] == {"prompt": "abc"}
    asked = {name: value for name, value in said.items() if name != "model"}
    assert letters.asked[1] == {**asked, "model": "a-lora"}
    assert (refused.status_code, error_of(refused)["message"]) == (400, "no exclamations")
    assert (nobody.status_code, error_of(nobody)["code"]) == (404, "model_not_found")
    assert "give either prompt or messages" in error_of(neither)["message"]
    assert error_of(negative)["param"] == "tokens.0"


async def test_an_engine_without_a_tokenizer_says_so() -> None:
    async with client_of(app_of()) as client:
        response = await client.post("/tokenize", json={"prompt": "abc"})
    assert (response.status_code, error_of(response)["code"]) == (501, "not_offered")
    assert error_of(response)["message"] == "the tokenizer of this engine cannot be asked"


@pytest.mark.parametrize("root", ["", "/v1"])
async def test_an_upstream_is_asked_beside_its_root(root: str) -> None:
    async def tokenize(request: Request) -> Response:
        body = await request.json()
        if body["prompt"] == "odd":
            return JSONResponse({"tokens": "many"})
        return JSONResponse({"count": 1, "max_model_len": 8, "tokens": [7], "of": body["model"]})

    async def models(request: Request) -> Response:
        return JSONResponse({"data": [{"id": "stub"}]})

    routes = [
        Route("/tokenize", tokenize, methods=["POST"]),
        Route("/v1/models", models),
    ]
    with served(Starlette(routes=routes)) as url:
        async with openai_generator(url + root) as generator:
            pipeline = Pipeline(generator, ArgmaxSelector())
            async with client_of(create_app(Settings(upstream=url), pipeline)) as client:
                found = await client.post("/tokenize", json={"prompt": "x"})
                odd = await client.post("/tokenize", json={"prompt": "odd"})
                lacking = await client.post("/detokenize", json={"tokens": [7]})
    assert found.json() == {"count": 1, "max_model_len": 8, "tokens": [7], "of": "stub"}
    assert (odd.status_code, error_of(odd)["code"]) == (502, "upstream_error")
    assert lacking.status_code == 501
    assert error_of(lacking)["message"].startswith("the upstream has no /detokenize")


async def test_version_ping_and_load() -> None:
    slow = FakeGenerator(lambda request, index: FakeCompletion("good", delay=30.0))
    async with client_of(app_of(slow)) as client:
        assert (await client.get("/version")).json() == {"version": __version__}
        assert (await client.get("/ping")).json() == {"status": "ok"}
        assert (await client.post("/ping")).json() == {"status": "ok"}
        assert (await client.get("/load")).json() == {"server_load": 0}
        running = asyncio.create_task(client.post(CHAT, json=ask()))
        async with asyncio.timeout(5):
            while (await client.get("/load")).json() != {"server_load": 1}:
                await asyncio.sleep(0.01)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


@pytest.mark.parametrize(
    "path", ["/health", "/ready", "/ping", "/load", "/version", "/metrics", "/v1/models", "/docs"]
)
async def test_head_is_get_without_its_body(path: str) -> None:
    async with client_of(app_of()) as client:
        whole = await client.get(path)
        head = await client.head(path)
    assert (head.status_code, head.content) == (whole.status_code, b"") == (200, b"")
    assert head.headers["content-type"] == whole.headers["content-type"]
    assert int(head.headers["content-length"]) > 0


async def test_options_say_what_a_path_takes() -> None:
    async with client_of(app_of()) as client:
        for path, allowed in (
            (CHAT, "OPTIONS, POST"),
            ("/v1/models", "GET, HEAD, OPTIONS"),
            ("/v1/models/any", "GET, HEAD, OPTIONS"),
            ("/ping", "GET, HEAD, OPTIONS, POST"),
        ):
            response = await client.options(path)
            assert (response.status_code, response.content) == (204, b""), path
            assert response.headers["allow"] == allowed
        assert (await client.options("/none/such")).status_code == 404
        assert (await client.head(CHAT)).status_code == 405
        wrong = await client.get(CHAT)
        assert (wrong.status_code, error_of(wrong)["type"]) == (405, "invalid_request_error")


async def test_head_needs_the_key_where_get_does() -> None:
    async with client_of(app_of(api_keys=["one"])) as client:
        assert (await client.head("/v1/models")).status_code == 401
        assert (await client.get("/version")).status_code == 401
        for path in ("/health", "/ping", "/load"):
            assert (await client.head(path)).status_code == 200
        assert (await client.options("/v1/models")).status_code == 204
