"""Best-of-n by headers, and what the headers of an answer tell, on every surface."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from bestofn import Policy, Settings
from bestofn.testing import FakeCompletion
from bestofn_server.app import create_app
from tests.support.forwarding import ForwardingGenerator
from tests.support.scripts import pipeline_of
from tests.support.serving import app_of, ask, client_of, error_of

TURNS = [{"role": "user", "content": "What?"}]
SURFACES: list[tuple[str, dict[str, Any]]] = [
    ("/v1/chat/completions", ask()),
    ("/v1/completions", {"prompt": "What?"}),
    ("/v1/responses", {"input": "What?"}),
    ("/v1/messages", {"max_tokens": 9, "messages": TURNS}),
]
every_surface = pytest.mark.parametrize(("path", "body"), SURFACES, ids=[s[0] for s in SURFACES])


@pytest.fixture(scope="module")
async def client() -> AsyncIterator[httpx.AsyncClient]:
    pipeline = pipeline_of([FakeCompletion("cut", "length"), "good", "better", "good"])[0]
    profiles: Any = {"three": {"best_of": 3}, "one": {"best_of": 1}}
    settings = Settings(best_of=2, model="m", profiles=profiles)
    async with client_of(create_app(settings, pipeline)) as made:
        yield made


@every_surface
async def test_an_answer_tells_what_was_done(
    client: httpx.AsyncClient, path: str, body: dict[str, Any]
) -> None:
    answer = await client.post(path, json={**body, "best_of": 4})
    assert answer.headers["x-bestofn-sampled"] == "4"
    assert answer.headers["x-bestofn-winner"] == "2"
    assert "x-bestofn-fallback" not in answer.headers
    assert answer.json()["bestofn"]["winner"] == 2


@every_surface
async def test_what_only_a_header_says_counts(
    client: httpx.AsyncClient, path: str, body: dict[str, Any]
) -> None:
    said = {
        "x-bestofn-best-of": "4",
        "x-bestofn-return-candidates": "summary",
        "x-bestofn-stop": "agreement",
    }
    report = (await client.post(path, json=body, headers=said)).json()["bestofn"]
    assert (report["best_of"], len(report["candidates"])) == (4, report["sampled"])
    own = {**body, "best_of": 3, "bestofn": {"return_candidates": "none"}}
    report = (await client.post(path, json=own, headers=said)).json()["bestofn"]
    assert report["best_of"] == 3
    assert report.get("candidates") is None


@every_surface
async def test_a_profile_is_a_model_name_or_a_header(
    client: httpx.AsyncClient, path: str, body: dict[str, Any]
) -> None:
    by_name = await client.post(path, json={**body, "model": "three"})
    asked = {**body, "model": "of a client that cannot be set"}
    by_header = await client.post(path, json=asked, headers={"x-bestofn-profile": "three"})
    assert by_name.headers["x-bestofn-sampled"] == by_header.headers["x-bestofn-sampled"] == "3"
    assert by_name.json()["model"] == by_header.json()["model"] == "three"


@every_surface
@pytest.mark.parametrize(
    ("header", "value", "status"),
    [
        ("X-Bestofn-Best-Of", "many", 400),
        ("X-Bestofn-Best-Of", "0", 400),
        ("X-Bestofn-Stop", "soon", 400),
        ("X-Bestofn-Return-Candidates", "all", 400),
        ("X-Bestofn-Profile", "none such", 404),
    ],
)
async def test_a_wrong_header_is_named(
    client: httpx.AsyncClient,
    path: str,
    body: dict[str, Any],
    header: str,
    value: str,
    status: int,
) -> None:
    answer = await client.post(path, json=body, headers={header: value})
    assert answer.status_code == status
    if path == "/v1/messages":
        assert answer.json()["type"] == "error"
        message = answer.json()["error"]["message"]
    else:
        message = error_of(answer)["message"]
    assert header.lower() in message.lower() or status == 404


@every_surface
async def test_a_header_that_nobody_reads_is_refused(
    client: httpx.AsyncClient, path: str, body: dict[str, Any]
) -> None:
    answer = await client.post(path, json=body, headers={"x-bestofn-bestof": "4"})
    assert answer.status_code == 400
    assert "did you mean X-Bestofn-Best-Of" in answer.json()["error"]["message"]
    strange = await client.post(path, json=body, headers={"x-bestofn-zzzz": "4"})
    assert "there are X-Bestofn-Best-Of, " in strange.json()["error"]["message"]
    twice = [("x-bestofn-best-of", "2"), ("x-bestofn-best-of", "3")]
    assert (await client.post(path, json=body, headers=twice)).status_code == 400


@every_surface
async def test_a_header_says_a_rule_with_its_options(
    client: httpx.AsyncClient, path: str, body: dict[str, Any]
) -> None:
    said = {"X-Bestofn-Stop": "accepted count=1", "X-Bestofn-Best-Of": "3"}
    report = (await client.post(path, json=body, headers=said)).json()["bestofn"]
    assert report["accepted"] >= 1
    wrong = await client.post(path, json=body, headers={"X-Bestofn-Stop": "accepted"})
    assert wrong.status_code == 400
    assert "needs count" in wrong.text
    odd = await client.post(path, json=body, headers={"X-Bestofn-Stop": "auto zz=1"})
    assert "X-Bestofn-Stop: zz: " in odd.json()["error"]["message"]


@every_surface
async def test_a_fallback_is_told(path: str, body: dict[str, Any]) -> None:
    pipeline = pipeline_of([FakeCompletion("cut", "length")], policy=Policy("best_rejected"))[0]
    async with client_of(create_app(Settings(best_of=2), pipeline)) as client:
        answer = await client.post(path, json=body)
    assert answer.headers["x-bestofn-fallback"] == "best_rejected"
    told = answer.json()
    if path == "/v1/responses":
        assert told["status"] == "incomplete"
        assert told["incomplete_details"] == {"reason": "max_output_tokens"}
        assert told["output"][-1]["status"] == "incomplete"
    elif path == "/v1/messages":
        assert told["stop_reason"] == "max_tokens"


async def test_more_choices_than_the_header_says_are_sampled(client: httpx.AsyncClient) -> None:
    answer = await client.post(
        "/v1/chat/completions", json=ask(n=3), headers={"x-bestofn-best-of": "2"}
    )
    assert answer.status_code == 200
    assert answer.headers["x-bestofn-sampled"] == "3"


async def test_what_passes_through_was_one_candidate() -> None:
    whole = {"choices": [{"index": 0, "message": {"content": "x"}, "finish_reason": "stop"}]}
    generator = ForwardingGenerator(chunks=[whole])
    async with client_of(app_of(generator)) as client:
        for path, body in SURFACES:
            answer = await client.post(path, json={**body, "best_of": 1})
            assert answer.headers["x-bestofn-sampled"] == "1"
            assert "x-bestofn-winner" not in answer.headers


async def test_a_profile_over_a_model_of_the_engines_samples_from_that_model() -> None:
    generator = ForwardingGenerator(served=("base", "a-lora"))
    profiles: Any = {"two": {"best_of": 2}}
    pipeline = pipeline_of(generator)[0]
    async with client_of(create_app(Settings(profiles=profiles), pipeline)) as client:
        said = {"x-bestofn-profile": "two"}
        await client.post("/v1/chat/completions", json=ask(model="a-lora"), headers=said)
        assert generator.requests[-1].options["model"] == "a-lora"
        await client.post("/v1/chat/completions", json=ask(model="gpt"), headers=said)
        assert "model" not in generator.requests[-1].options
