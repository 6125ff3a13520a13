"""A server with the engine none: it scores, lists what scores, and refuses to sample."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from bestofn import Candidate, ConfigError, Request
from bestofn.builders.pipeline import open_pipeline
from bestofn.settings.settings import Settings
from bestofn_server.app import create_app

LENGTH = {"kind": "verifier", "check": "tests.server.test_only_scores:length", "name": "length"}


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    settings = Settings.load(engine="none", rewards=[LENGTH])
    app = create_app(settings)
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://here") as opened:
            yield opened


def length(request: Request, candidate: Candidate) -> float:
    """A reward function, as a user writes one."""
    return float(len(candidate.text))


async def test_it_ranks_what_it_is_given(client: httpx.AsyncClient) -> None:
    body = {"prompt": "Why?", "responses": ["Because.", "Because it is so."]}
    answer = await client.post("/v1/rewards", json=body)
    assert answer.status_code == 200, answer.text
    assert answer.json()["ranking"] == [1, 0]


async def test_it_is_ready_once_the_reward_model_is(client: httpx.AsyncClient) -> None:
    while (said := await client.get("/ready")).status_code == 503:
        assert "no answer to a probe within" in said.text  # its process still starts
    assert said.status_code == 200


async def test_it_lists_what_scores(client: httpx.AsyncClient) -> None:
    listed = (await client.get("/v1/models")).json()["data"]
    assert [each["id"] for each in listed] == ["length"]


@pytest.mark.parametrize("best_of", [1, 4])
async def test_a_completion_is_refused_with_the_reason(
    client: httpx.AsyncClient, best_of: int
) -> None:
    body = {"messages": [{"role": "user", "content": "Why?"}], "best_of": best_of}
    answer = await client.post("/v1/chat/completions", json=body)
    assert answer.status_code == 400
    assert answer.json()["error"]["message"] == (
        "this server only scores: it was started with the engine none"
    )


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({}, "no reward model is named: nothing to serve"),
        ({"reward_model": "none"}, "no reward model is named: nothing to serve"),
        ({"reward_model": "embedded", "model": "some/model"}, "a model is named: some/model"),
        ({"reward_model": "embedded", "upstream": "http://x"}, "an upstream is named: http://x"),
    ],
)
async def test_what_contradicts_it_is_said_before_anything_is_loaded(
    settings: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(ConfigError, match=sentence):
        async with open_pipeline(Settings.load(engine="none", **settings)):
            pass


async def test_candidates_are_refused_with_a_status_too(client: httpx.AsyncClient) -> None:
    body = {"messages": [{"role": "user", "content": "Why?"}], "best_of": 2}
    answer = await client.post("/v1/candidates", json=body)
    assert answer.status_code == 400
    assert "only scores" in answer.json()["error"]["message"]
