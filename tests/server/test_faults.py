"""What a client sees when the engine, the upstream or the reward model fails."""

from __future__ import annotations

import asyncio
import contextlib
import math
import time
from collections.abc import AsyncIterator, Sequence
from typing import Any

import httpx
import pytest
import torch
from starlette.responses import PlainTextResponse, Response

from bestofn import (
    Candidate,
    GeneratorError,
    Pipeline,
    Policy,
    Request,
    RewardError,
    Score,
    Settings,
)
from bestofn.filters.empty import EmptyFilter
from bestofn.generators.openai import openai_generator
from bestofn.rewards.local.batcher import Batcher
from bestofn.rewards.local.padding import padded_batches
from bestofn.rewards.local.token_budget import TokenBudget
from bestofn.selection.argmax import ArgmaxSelector
from bestofn.testing import FakeCompletion, FakeGenerator, FakeRewardModel
from bestofn_server.app import create_app
from tests.support.scripts import pipeline_of
from tests.support.serving import ask, client_of
from tests.support.upstream import Script, Upstream, completion, failure, running

pytestmark = pytest.mark.model


def _settings(**fields: Any) -> Settings:
    return Settings(best_of=4, **fields)


@contextlib.asynccontextmanager
async def _over(script: Script) -> AsyncIterator[tuple[Any, Upstream]]:
    """A client of the service over a stub that follows `script`, and the stub."""
    with running(Upstream(script)) as upstream:
        async with openai_generator(upstream.url) as generator:
            constant = FakeRewardModel(lambda request, candidate: float(len(candidate.text)))
            pipeline = Pipeline(generator, ArgmaxSelector(), [EmptyFilter()], constant)
            app = create_app(_settings(upstream=upstream.url), pipeline)
            async with client_of(app) as client:
                yield client, upstream


def _numbered(body: dict[str, Any]) -> Response:
    return completion(*("x" * (i + 1) for i in range(body.get("n", 1))))


async def test_one_bad_candidate_of_an_upstream_does_not_fail_the_request() -> None:
    def script(body: dict[str, Any]) -> Response:
        return failure(500, "out of memory") if body["seed"] == 8 else completion("fine")

    async with _over(script) as (client, _):
        response = await client.post("/v1/chat/completions", json=ask(seed=7))
    assert response.status_code == 200
    assert response.json()["bestofn"]["failed"] == {"generation_error": 1}
    assert response.json()["bestofn"]["accepted"] == 3


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (failure(500, "out of memory"), "answers 500 (Internal Server Error)"),
        (PlainTextResponse('{"choices": [{"mess'), "no completion"),
        (PlainTextResponse("<html>", headers={"content-length": "9999"}), "cannot be reached"),
        (failure(401, "wrong key"), "refuses the server's key (status 401)"),
    ],
)
async def test_an_upstream_that_fails_is_a_502(answer: Response, said: str) -> None:
    async with _over(lambda body: answer) as (client, _):
        response = await client.post("/v1/chat/completions", json=ask())
        assert response.status_code == 502
        error = response.json()["error"]
        assert said in error["message"]
        assert (error["type"], error["code"]) == ("server_error", "upstream_error")
        stream = await client.post("/v1/chat/completions", json=ask(stream=True))
        assert (stream.status_code, stream.json()["error"]["code"]) == (502, "upstream_error")
        alone = await client.post("/v1/chat/completions", json=ask(best_of=1))
        assert alone.status_code == 502


async def test_a_storm_of_429_passes() -> None:
    left = 6

    def script(body: dict[str, Any]) -> Response:
        nonlocal left
        left -= 1
        return failure(429, "storm", retry_after="0") if left > 0 else _numbered(body)

    async with _over(script) as (client, upstream):
        asked = (client.post("/v1/chat/completions", json=ask()) for _ in range(4))
        answers = await asyncio.gather(*asked)
    assert {response.status_code for response in answers} == {200}
    assert len(upstream.bodies) >= 9


async def test_an_upstream_that_is_killed_is_a_502_and_its_return_is_noticed() -> None:
    with running(Upstream(_numbered)) as upstream:
        async with openai_generator(upstream.url) as generator:
            rewards = FakeRewardModel(lambda request, candidate: 1.0)
            pipeline = Pipeline(generator, ArgmaxSelector(), (), rewards)
            probes: Any = {"probe_seconds": 0.01}
            settings = _settings(upstream=upstream.url, server=probes)
            async with client_of(create_app(settings, pipeline)) as client:
                assert (await client.get("/ready")).status_code == 200
                http = generator._client._http
                http.base_url = httpx.URL("http://127.0.0.1:9/v1/")
                gone = await client.post("/v1/chat/completions", json=ask())
                assert gone.status_code == 502
                assert "cannot be reached" in gone.json()["error"]["message"]
                assert (await client.get("/ready")).status_code == 503
                assert (await client.get("/health")).status_code == 200
                http.base_url = httpx.URL(f"{upstream.url}/v1/")
                assert (await client.post("/v1/chat/completions", json=ask())).status_code == 200
                assert (await client.get("/ready")).status_code == 200


async def test_a_slow_upstream_ends_at_the_deadline_or_at_the_servers_own_limit() -> None:
    async def script(body: dict[str, Any]) -> Response:
        await asyncio.sleep(0 if body["seed"] == 1 else 2)
        return completion("fine")

    with running(Upstream(script)) as upstream:
        async with openai_generator(upstream.url) as generator:
            rewards = FakeRewardModel(lambda request, candidate: 1.0)
            pipeline = Pipeline(generator, ArgmaxSelector(), (), rewards)
            limits: Any = {"request_timeout_seconds": 0.4}
            app = create_app(_settings(upstream=upstream.url, server=limits), pipeline)
            async with client_of(app) as client:
                started = time.monotonic()
                early = ask(seed=1, bestofn={"deadline_ms": 200})
                response = await client.post("/v1/chat/completions", json=early)
                report = response.json()["bestofn"]
                assert (report["deadline_reached"], report["accepted"]) == (True, 1)
                assert report["failed"] == {"deadline": 3}
                nothing = ask(seed=10, bestofn={"deadline_ms": 200})
                response = await client.post("/v1/chat/completions", json=nothing)
                assert response.status_code == 504
                assert response.json()["error"]["code"] == "deadline_exceeded"
                response = await client.post("/v1/chat/completions", json=ask(seed=10))
                assert response.status_code == 504
                assert response.json()["error"]["code"] == "timeout"
                assert time.monotonic() - started < 4


class Halving:
    """A reward model on the real batcher, out of memory above `fits` texts."""

    def __init__(self, fits: int) -> None:
        self.sizes: list[int] = []

        def forward(sequences: Sequence[Sequence[int]]) -> list[float]:
            self.sizes.append(len(sequences))
            if len(sequences) > fits:
                raise torch.OutOfMemoryError("CUDA out of memory")
            return [float(sum(ids)) for ids in sequences]

        self._batcher = Batcher(
            forward,
            padded_batches,
            TokenBudget(4),
            exhausted=torch.OutOfMemoryError,
        )

    async def score(self, request: Request, candidates: Sequence[Candidate]) -> list[Score]:
        future = self._batcher.submit([[len(c.text)] for c in candidates])
        rewards = await asyncio.wrap_future(future)
        if None in rewards:
            raise RewardError("out of memory")
        return [Score(reward) for reward in rewards]

    def close(self) -> None:
        self._batcher.close()


@pytest.mark.parametrize(("fits", "status"), [(1, 200), (0, 500)])
async def test_out_of_memory_halves_the_batch_and_only_then_is_an_error(
    fits: int, status: int
) -> None:
    reward_model = Halving(fits)
    generator = FakeGenerator(lambda request, index: "x" * (index + 1))
    pipeline = Pipeline(generator, ArgmaxSelector(), (), reward_model)
    async with client_of(create_app(_settings(), pipeline)) as client:
        response = await client.post("/v1/chat/completions", json=ask())
    reward_model.close()
    assert response.status_code == status
    assert reward_model.sizes[:2] == [4, 2]
    if status == 200:
        assert response.json()["choices"][0]["message"]["content"] == "xxxx"
    else:
        assert response.json()["error"]["code"] == "reward_model_failed"
        assert "out of memory" in response.json()["error"]["message"]


@pytest.mark.parametrize(
    "rewards",
    [
        FakeRewardModel({}, raises=RewardError("it is broken")),
        FakeRewardModel({}, raises=ZeroDivisionError("it is broken")),
    ],
)
async def test_a_reward_model_that_raises_is_a_500_that_says_so(rewards: FakeRewardModel) -> None:
    pipeline, _, _ = pipeline_of(["good", "better"], rewards)
    async with client_of(create_app(_settings(), pipeline)) as client:
        response = await client.post("/v1/chat/completions", json=ask())
        assert response.status_code == 500
        assert response.json()["error"]["code"] == "reward_model_failed"
        assert "it is broken" in response.json()["error"]["message"]


async def test_a_reward_that_is_not_a_number_is_a_failure_of_its_candidate() -> None:
    pipeline, _, _ = pipeline_of(["good", "better"], {"good": 1.0, "better": math.nan})
    async with client_of(create_app(_settings(), pipeline)) as client:
        response = await client.post("/v1/chat/completions", json=ask())
    assert response.json()["choices"][0]["message"]["content"] == "good"
    assert response.json()["bestofn"]["failed"] == {"reward_not_finite": 2}


async def test_an_engine_that_fails_is_a_500_and_a_fault_in_the_middle_an_event() -> None:
    broken = FakeGenerator(["x"], raises=GeneratorError("the engine is gone"))
    pipeline, _, _ = pipeline_of(broken)
    async with client_of(create_app(_settings(), pipeline)) as client:
        response = await client.post("/v1/chat/completions", json=ask())
    assert response.status_code == 500
    assert "the engine is gone" in response.json()["error"]["message"]

    late = FakeGenerator([FakeCompletion(error="late fault", delay=0.5)])
    pipeline, _, _ = pipeline_of(late)
    limits: Any = {"keep_alive_seconds": 0.1}
    async with client_of(create_app(_settings(server=limits), pipeline)) as client:
        response = await client.post("/v1/chat/completions", json=ask(stream=True))
    assert response.status_code == 200
    events = [line for line in response.text.split("\n\n") if line]
    assert events[0] == ": keep-alive"
    assert '"error"' in events[-2]
    assert "late fault" in events[-2]
    assert events[-1] == "data: [DONE]"


async def test_nothing_acceptable_is_a_422_where_the_policy_is_error() -> None:
    pipeline, _, _ = pipeline_of([FakeCompletion("cut", "length")], policy=Policy("error"))
    async with client_of(create_app(_settings(), pipeline)) as client:
        response = await client.post("/v1/chat/completions", json=ask())
        assert response.status_code == 422
        assert response.json()["error"]["code"] == "nothing_acceptable"
        flagged = ask(bestofn={"on_exhausted": "best_rejected"})
        response = await client.post("/v1/chat/completions", json=flagged)
        assert response.json()["bestofn"]["fallback"] == "best_rejected"
        assert response.json()["choices"][0]["finish_reason"] == "length"
