"""Bounds on the wire: each odd value is a 400 that names its field, and the page tells them all."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest
from starlette.datastructures import Headers

from bestofn import Policy, Request, Settings
from bestofn.testing import FakeCompletion, FakeGenerator
from bestofn_server.app import create_app
from bestofn_server.errors import OverloadedError
from bestofn_server.http.bodies import Bodies
from tests.support.listening import chat, listening
from tests.support.scripts import pipeline_of
from tests.support.serving import app_of, ask, client_of, error_of

CHAT = "/v1/chat/completions"
TEXT = "/v1/completions"
JSON = {"content-type": "application/json"}
HUGE = 10**400
HALF = "half \ud83d"
DEEP: Any = 0
for _ in range(900):
    DEEP = [DEEP]


@pytest.fixture(scope="module")
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(app_of(["good", "better"])) as made:
        yield made


CASES: list[tuple[str, dict[str, Any], str]] = [
    (CHAT, ask(best_of=HUGE), "best_of"),
    (CHAT, ask(best_of=5000), "best_of"),
    (CHAT, ask(n=HUGE), "n"),
    (CHAT, ask(seed=2**63), "seed"),
    (CHAT, ask(seed=-(2**63) - 1), "seed"),
    (CHAT, ask(top_k=HUGE), "top_k"),
    (CHAT, ask(max_tokens=2**40), "max_tokens"),
    (CHAT, ask(min_tokens=2**31 - 1), "min_tokens"),
    (CHAT, ask(n_predict=2**31 - 1), "n_predict"),
    (TEXT, {"prompt": "a", "max_completion_tokens": 2**31 - 1}, "max_completion_tokens"),
    (CHAT, ask(max_completion_tokens=HUGE), "max_completion_tokens"),
    (CHAT, ask(model="m" * 300), "model"),
    (CHAT, ask(stop=HALF), "stop"),
    (CHAT, ask(stop=["fine", HALF]), "stop.1"),
    (CHAT, ask(stop=["a"] * 5000), "stop"),
    (CHAT, ask(logit_bias={str(at): 1 for at in range(5000)}), "logit_bias"),
    (CHAT, ask(structured_outputs={"choice": ["a"] * 1001}), "structured_outputs.choice"),
    (CHAT, {"messages": ask()["messages"] * 4097}, "messages"),
    (CHAT, {"messages": [{"role": "user", "content": HALF}]}, "messages.0.content"),
    (CHAT, {"messages": [{"role": "user", "content": [{"type": ["a"]}]}]}, "messages.0"),
    (CHAT, {"messages": [{"role": ["user"], "content": "hi"}]}, "messages.0"),
    ("/v1/rewards", {"messages": [{"role": {}}], "responses": ["a"]}, "messages.0"),
    (CHAT, ask(bestofn={"deadline_ms": HUGE}), "bestofn.deadline_ms"),
    (CHAT, ask(bestofn={"deadline_ms": 10**9}), "bestofn.deadline_ms"),
    (CHAT, ask(bestofn={"max_rounds": HUGE}), "bestofn.max_rounds"),
    (CHAT, ask(bestofn={"filters": ["empty"] * 33}), "bestofn.filters"),
    (CHAT, ask(bestofn={"filters": ["e" * 65]}), "bestofn.filters.0.name"),
    (CHAT, ask(bestofn={"filters": [HALF]}), "bestofn.filters.0"),
    (CHAT, ask(bestofn={"filters": [{HALF: {}}]}), "bestofn.filters.0"),
    (CHAT, ask(bestofn={"selector": {"name": "a" * 65}}), "bestofn.selector.name"),
    (TEXT, {"prompt": ["a"] * 1025}, "prompt"),
    (TEXT, {"prompt": ["a"] * 100_000}, "prompt"),
    (TEXT, {"prompt": [1] * (2**18 + 1)}, "prompt"),
    (TEXT, {"prompt": HALF}, "prompt"),
    (TEXT, {"prompt": [HALF]}, "prompt.0"),
    ("/v1/rewards", {"prompt": "q", "responses": ["a"] * 1025}, "responses"),
    ("/v1/rewards", {"prompt": HALF, "responses": ["a"]}, "prompt"),
    ("/v1/rewards", {"prompt": "q", "responses": ["a", HALF]}, "responses.1"),
    ("/v1/rerank", {"query": HALF, "documents": ["a"]}, "query"),
    ("/v1/rerank", {"query": "q", "documents": ["a", {"text": HALF}]}, "documents.1.text"),
    ("/v1/rerank", {"query": "q", "documents": ["a"], "top_n": HUGE}, "top_n"),
    ("/v2/rerank", {"query": "q", "documents": ["a"], "rank_fields": ["f" * 300]}, "rank_fields.0"),
    (
        "/v2/rerank",
        {"query": "q", "documents": ["a"], "max_tokens_per_doc": HUGE},
        "max_tokens_per",
    ),
    ("/rerank", {"query": "q", "documents": ["a"] * 1025}, "documents"),
    ("/score", {"text_1": "q", "text_2": ["a"] * 1025}, "text_2"),
    ("/v1/score", {"queries": ["q", HALF], "documents": ["a", "b"]}, "queries.1"),
    ("/pooling", {"input": ["a"] * 1025}, "input"),
    ("/pooling", {"input": "a", "priority": HUGE}, "priority"),
    ("/get_reward", {"query": ["a"] * 1025}, "query"),
    ("/get_reward", {"query": "a", "labels": [HALF]}, "labels.0"),
    ("/tokenize", {"prompt": HALF}, "prompt"),
    ("/detokenize", {"tokens": [HUGE]}, "tokens"),
    ("/detokenize", {"tokens": [1] * (2**18 + 1)}, "tokens"),
    ("/classify", {"input": HALF}, "input"),
    ("/classify", {"input": ["a", HALF]}, "input.1"),
]


@pytest.mark.parametrize(("path", "body", "field"), CASES, ids=[f"{c[0]} {c[2]}" for c in CASES])
async def test_what_is_out_of_bounds_is_a_400_that_names_its_field(
    client: httpx.AsyncClient, path: str, body: dict[str, Any], field: str
) -> None:
    response = await client.post(path, content=json.dumps(body), headers=JSON)
    assert response.status_code == 400, response.text
    error = error_of(response)
    assert error["type"] == "invalid_request_error"
    assert error["param"] is not None
    assert error["param"].startswith(field) or field.startswith(error["param"])
    assert error["message"].startswith(error["param"])
    assert len(error["message"]) <= 300


@pytest.mark.parametrize("where", ["options", "x"])
async def test_what_is_nested_too_deep_is_a_400(client: httpx.AsyncClient, where: str) -> None:
    body = ask(bestofn={"filters": [{"length": {where: DEEP}}]}) if where == "options" else {}
    content = json.dumps(body or ask(x=DEEP))
    response = await client.post(CHAT, content=content, headers=JSON)
    assert response.status_code == 400
    assert "more than 100 deep" in error_of(response)["message"]


@pytest.mark.parametrize(
    "body",
    [
        ask(model="\x00" + "m" * 255),
        ask(bestofn={"filters": ["f" * 4096]}),
        ask(bestofn={"c" * 4096: 1}),
        ask(best_of=4096),
        {"messages": "x" * 100_000},
        ask(**{"max_tokens": "9" * 100_000}),
    ],
)
async def test_values_are_not_quoted_back_whole(
    client: httpx.AsyncClient, body: dict[str, Any]
) -> None:
    response = await client.post(CHAT, json=body)
    assert response.status_code in (400, 404)
    assert len(error_of(response)["message"]) <= 400
    assert len(response.content) < 800


async def test_an_engines_long_message_is_shortened() -> None:
    generator = FakeGenerator([FakeCompletion(error="ids: " + "1, " * 100_000 + "end.")])
    pipeline = pipeline_of(generator)[0]
    async with client_of(create_app(Settings(best_of=1), pipeline)) as client:
        response = await client.post(CHAT, json=ask())
    assert len(error_of(response)["message"]) <= 400
    assert error_of(response)["message"].endswith("end.")


async def test_a_seed_is_any_integer_of_64_bits() -> None:
    generator = FakeGenerator(["good", "better"])
    async with client_of(app_of(generator)) as client:
        for seed in (2**63 - 1, -(2**63), 2**62 + 1, -1, 0):
            assert (await client.post(CHAT, json=ask(seed=seed))).status_code == 200
    seeds = [[r.seed_of(at) for at in range(2)] for r in generator.requests]
    assert seeds[0] == [2**63 - 1, -(2**63)]
    assert seeds[1:] == [
        [-(2**63), -(2**63) + 1],
        [2**62 + 1, 2**62 + 2],
        [-1, 0],
        [0, 1],
    ]
    assert Request.from_prompt("What?").seed_of(3) is None


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        (None, "the request has no content type"),
        ("text/plain", "the body is said to be 'text/plain'"),
        ("application/x-www-form-urlencoded", "said to be 'application/x-www-form-urlencoded'"),
        ("x" * 5000, "said to be 'xxx"),
    ],
)
async def test_a_body_that_is_not_said_to_be_json_is_a_400_that_says_so(
    client: httpx.AsyncClient, kind: str | None, said: str
) -> None:
    headers = {} if kind is None else {"content-type": kind}
    response = await client.post(CHAT, content=json.dumps(ask()), headers=headers)
    assert (response.status_code, error_of(response)["code"]) == (400, "invalid_content_type")
    assert said in error_of(response)["message"]
    assert "Content-Type: application/json" in error_of(response)["message"]


@pytest.mark.parametrize(
    "kind", ["application/json", "APPLICATION/JSON; charset=utf-8", "application/x+json"]
)
async def test_any_name_of_json_is_taken(client: httpx.AsyncClient, kind: str) -> None:
    headers = {"content-type": kind}
    response = await client.post(CHAT, content=json.dumps(ask()), headers=headers)
    assert response.status_code == 200


async def test_prompts_times_best_of_are_bounded() -> None:
    async with client_of(app_of(max_candidates=10)) as client:
        fine = await client.post(TEXT, json={"prompt": ["a"] * 5, "best_of": 2, "max_tokens": 1})
        assert fine.status_code == 200
        for body in ({"prompt": ["a"] * 6, "best_of": 2}, {"prompt": ["a"] * 6, "n": 2}):
            response = await client.post(TEXT, json=body)
            assert response.status_code == 400
            assert error_of(response)["message"] == (
                "6 prompts of best_of 2 are 12 candidates; this server takes at most 10 in one "
                "request"
            )


async def test_more_bodies_than_fit_are_told_to_wait() -> None:
    bodies = Bodies(1000, 1500)

    class Sent:
        def __init__(self, size: int, then: asyncio.Event) -> None:
            self.headers = Headers({"content-type": "application/json"})
            self.size, self.then = size, then
            self.scope = {"type": "http"}
            self.receive = None

        async def stream(self) -> AsyncIterator[bytes]:
            yield b" " * (self.size - 1)
            await self.then.wait()
            yield b"1"

    then = asyncio.Event()
    first: Any = Sent(900, then)
    reading = asyncio.create_task(bodies.read(first))
    await asyncio.sleep(0)
    second: Any = Sent(700, then)
    with pytest.raises(OverloadedError, match="too many bodies"):
        await bodies.read(second)
    then.set()
    assert await (await reading).json() == 1
    assert await (await bodies.read(second)).json() == 1


async def test_a_body_that_is_said_to_be_too_large_is_not_read() -> None:
    async with listening(max_body_bytes=1024) as server:
        connection = await server.open()
        head = chat().replace(b"content-length: ", b"content-length: 1000")
        await connection.send(head)  # and never the rest
        status, body = await connection.answer()
    assert (status, body["error"]["message"]) == (413, "the body is above 1,024 bytes")


async def test_nothing_acceptable_is_no_fault_of_the_server() -> None:
    pipeline, _, _ = pipeline_of([FakeCompletion("cut", "length")], policy=Policy("error"))
    async with client_of(create_app(Settings(best_of=2), pipeline)) as client:
        response = await client.post(CHAT, json=ask())
    assert response.status_code == 422
    assert error_of(response)["type"] == "invalid_request_error"


def _unbounded(schema: Any, page: dict[str, Any], path: str = "") -> Iterator[str]:
    """Places of a schema where a client may send as much as it likes. (A number with a fraction is
    bounded by being finite.)"""
    if not isinstance(schema, dict):
        return
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        yield from _unbounded(page["components"]["schemas"][name], page, path)
        return
    kind = schema.get("type")
    bounds = {"string": "maxLength", "array": "maxItems", "integer": "maximum"}
    if kind in bounds and bounds[kind] not in schema and not {"enum", "const"} & schema.keys():
        yield f"{path}: {kind}"
    if kind == "object" and "properties" not in schema and "maxProperties" not in schema:
        yield f"{path}: object"
    for name, inside in schema.get("properties", {}).items():
        yield from _unbounded(inside, page, f"{path}.{name}")
    for word in ("items", "additionalProperties"):
        yield from _unbounded(schema.get(word), page, f"{path}[]")
    for word in ("anyOf", "oneOf", "allOf"):
        for inside in schema.get(word, ()):
            yield from _unbounded(inside, page, path)


def test_the_page_tells_a_bound_of_everything_that_a_client_sends() -> None:
    page = app_of().openapi()
    found = [
        place
        for path, methods in page["paths"].items()
        for operation in methods.values()
        for content in operation.get("requestBody", {}).get("content", {}).values()
        for place in _unbounded(content["schema"], page, path)
    ]
    assert found == []
    extra = page["components"]["schemas"]["ChatRequest"]["additionalProperties"]
    assert (extra["maxItems"], extra["maximum"]) == (4096, 2**63 - 1)
