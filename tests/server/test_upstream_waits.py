"""What clients hear of an upstream that has too much to do, and how long they wait for it."""

from __future__ import annotations

import contextlib
import time
from collections.abc import AsyncIterator, Sequence
from typing import Any

import httpx
import pytest

from bestofn import Pipeline, Settings
from bestofn.core.types import Candidate, Request, Score
from bestofn.generators.openai import openai_generator
from bestofn.openai_api import breaker
from bestofn.selection.argmax import ArgmaxSelector
from bestofn.support.waiting import left
from bestofn.testing import FakeGenerator, FakeRewardModel
from bestofn_server.app import create_app
from tests.support.serving import ask, client_of, error_of
from tests.support.upstream import Script, Upstream, completion, failure, running

pytestmark = pytest.mark.model

CHAT = "/v1/chat/completions"


@contextlib.asynccontextmanager
async def _over(
    script: Script, **settings: Any
) -> AsyncIterator[tuple[httpx.AsyncClient, Upstream]]:
    with running(Upstream(script)) as upstream:
        async with openai_generator(upstream.url) as generator:
            pipeline = Pipeline(generator, ArgmaxSelector(), ())
            given = Settings(best_of=2, upstream=upstream.url, reward_model="none", **settings)
            async with client_of(create_app(given, pipeline)) as client:
                yield client, upstream


@pytest.mark.parametrize(
    "fields", [{}, {"best_of": 1}, {"best_of": 1, "stream": True}, {"seed": 3}]
)
async def test_an_upstreams_429_is_the_clients_with_its_retry_after(fields: Any) -> None:
    busy = failure(429, "the org org-secret is over its limit", retry_after="29")
    async with _over(lambda body: busy) as (client, _):
        started = time.monotonic()
        response = await client.post(CHAT, json=ask(**fields))
        assert time.monotonic() - started < 5
    assert response.status_code == 429
    assert response.headers["retry-after"] == "29"
    error = error_of(response)
    assert (error["type"], error["code"]) == ("rate_limit_error", "overloaded")
    assert "secret" not in error["message"]


async def test_nothing_is_waited_for_longer_than_the_client_says_that_it_waits() -> None:
    busy = failure(429, "slow down", retry_after="29")
    async with _over(lambda body: busy) as (client, upstream):
        for name in ("x-stainless-read-timeout", "x-stainless-timeout"):
            upstream.bodies.clear()
            started = time.monotonic()
            response = await client.post(CHAT, json=ask(), headers={name: "20.0"})
            assert (response.status_code, len(upstream.bodies)) == (429, 1)
            assert time.monotonic() - started < 15


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/rewards", {"prompt": "q", "responses": ["a"]}),
        ("/v1/rerank", {"query": "q", "documents": ["a"]}),
        ("/classify", {"messages": [*ask()["messages"], {"role": "assistant", "content": "a"}]}),
        (CHAT, ask()),
    ],
)
async def test_every_route_says_that_somebody_waits(path: str, body: dict[str, Any]) -> None:
    """Else what is asked of a reward server would be tried again for as long as for a dataset."""
    waited: list[float | None] = []

    class Asked(FakeRewardModel):
        async def score(self, request: Request, candidates: Sequence[Candidate]) -> list[Score]:
            waited.append(left())
            return await super().score(request, candidates)

    pipeline = Pipeline(
        FakeGenerator(["good", "better"]), ArgmaxSelector(), (), Asked(lambda *_: 1.0)
    )
    async with client_of(create_app(Settings(best_of=2), pipeline)) as client:
        answered = await client.post(path, json=body, headers={"x-stainless-timeout": "20"})
    assert answered.status_code == 200, answered.text
    assert waited
    assert all(each is not None and 10 < each <= 20 for each in waited)


async def test_a_wait_that_is_short_enough_is_nobodys_business() -> None:
    answers = iter([failure(429, retry_after="1")])
    async with _over(lambda body: next(answers, None) or completion("good", "good")) as (client, _):
        response = await client.post(CHAT, json=ask(), headers={"x-stainless-read-timeout": "odd"})
    assert response.status_code == 200


@pytest.mark.parametrize("fields", [{"seed": 1}, {"bestofn": {"stop": "agreement"}}])
async def test_a_prompt_that_the_upstream_cannot_answer_locks_nobody_out(
    monkeypatch: pytest.MonkeyPatch, fields: dict[str, Any]
) -> None:
    monkeypatch.setattr("bestofn.openai_api.client._BACK_OFF", lambda state: 0.0)

    def script(body: dict[str, Any]) -> Any:
        poison = body["messages"][0]["content"] == "poison"
        return failure(500) if poison else completion(*["good"] * (body.get("n") or 1))

    async with _over(script, server={"probe_seconds": 0.01}) as (client, _):
        poison = {"messages": [{"role": "user", "content": "poison"}], "best_of": 16, **fields}
        assert (await client.post(CHAT, json=poison)).status_code == 502
        assert (await client.post(CHAT, json=ask())).status_code == 200
        assert (await client.get("/ready")).status_code == 200


async def test_a_storm_opens_the_breaker_which_ready_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bestofn.openai_api.client._BACK_OFF", lambda state: 0.0)
    probes: Any = {"probe_seconds": 0.01}
    async with _over(lambda body: failure(503), server=probes) as (client, upstream):
        assert (await client.get("/ready")).status_code == 200
        response = await client.post(CHAT, json=ask(seed=1, best_of=64))
        assert response.status_code == 502
        assert len(upstream.bodies) <= 64 + breaker.RESERVE + 64 * breaker.PER_REQUEST
        asked = len(upstream.bodies)
        response = await client.post(CHAT, json=ask())
        assert response.status_code == 502
        assert "left alone for" in error_of(response)["message"]
        assert len(upstream.bodies) == asked
        response = await client.get("/ready")
        assert response.status_code == 503
        assert "times in a row" in error_of(response)["message"]
