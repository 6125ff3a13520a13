"""Many clients, clients that hang up, and many requests, on the real engine and over a socket."""

from __future__ import annotations

import asyncio
import collections
import gc
import json
import time
from collections.abc import AsyncIterator
from typing import Any

import httpx
import psutil
import pytest

from bestofn import Pipeline, Settings
from bestofn.generators.vllm import VllmGenerator
from bestofn_server.app import create_app
from tests.support.scripts import pipeline_of
from tests.support.serving import ask, client_of, serving

pytestmark = [pytest.mark.slow, pytest.mark.alone]

LIMIT = 24
N = 8
QUESTION = [{"role": "user", "content": "What is 8 - 5?"}]
ENDLESS = {"ignore_eos": True, "repetition_detection": None, "max_tokens": 900}


@pytest.fixture(scope="module")
async def url(pipeline: Pipeline) -> AsyncIterator[str]:
    """A service that takes on half of two hundred clients."""
    limits: Any = {"max_tokens_in_flight": 100 * N * LIMIT}
    async with serving(create_app(Settings(best_of=N, server=limits), pipeline)) as served:
        yield served


async def test_two_hundred_clients_at_once_are_answered_or_sent_away(url: str) -> None:
    body = {"messages": QUESTION, "max_tokens": LIMIT}
    pool = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(base_url=url, timeout=120, limits=pool) as client:
        asked = (client.post("/v1/chat/completions", json=body) for _ in range(200))
        answers = await asyncio.gather(*asked)
        statuses = collections.Counter(response.status_code for response in answers)
        assert statuses.keys() <= {200, 429}
        assert statuses[200] >= 100
        for response in answers:
            if response.status_code == 429:
                assert int(response.headers["retry-after"]) >= 1
                assert response.json()["error"]["code"] == "overloaded"
            else:
                assert response.json()["bestofn"]["sampled"] >= N
        metrics = (await client.get("/metrics")).text
    assert "bestofn_requests_in_flight 0.0" in metrics
    assert "bestofn_tokens_in_flight 0.0" in metrics


async def _hang_up(url: str, body: dict[str, Any], signal: asyncio.Event, after: float) -> None:
    """Send a request over a socket of its own; close it unanswered so long after the signal."""
    address = httpx.URL(url)
    _reader, writer = await asyncio.open_connection(address.host, address.port)
    content = json.dumps(body).encode()
    head = (
        "POST /v1/chat/completions HTTP/1.1\r\nhost: test\r\ncontent-type: application/json\r\n"
        f"content-length: {len(content)}\r\n\r\n"
    )
    writer.write(head.encode() + content)
    await writer.drain()
    await signal.wait()
    await asyncio.sleep(after)
    writer.close()
    await writer.wait_closed()


async def test_a_hundred_that_hang_up_leave_nothing_running(url: str, pipeline: Pipeline) -> None:
    assert isinstance(pipeline.generator, VllmGenerator)
    llm = pipeline.generator.engine.llm
    kinds: list[dict[str, Any]] = [{}, {"stream": True}, {"best_of": 1}]
    kinds.append({"best_of": 1, "stream": True})
    bodies = [{"messages": QUESTION, "best_of": 2, **ENDLESS, **kinds[i % 4]} for i in range(100)]
    many = asyncio.Event()
    hanging_up = asyncio.gather(
        *(_hang_up(url, body, many, index / 100) for index, body in enumerate(bodies))
    )
    async with asyncio.timeout(60):
        while llm.output_processor.get_num_unfinished_requests() <= 10:
            await asyncio.sleep(0.02)
    many.set()
    await hanging_up
    started = time.monotonic()
    while llm.output_processor.get_num_unfinished_requests():
        assert time.monotonic() - started < 2
        await asyncio.sleep(0.02)
    async with httpx.AsyncClient(base_url=url, timeout=60) as client:
        while "bestofn_requests_in_flight 0.0" not in (await client.get("/metrics")).text:
            assert time.monotonic() - started < 2
        body = {"messages": QUESTION, "max_tokens": LIMIT}
        assert (await client.post("/v1/chat/completions", json=body)).status_code == 200


async def test_memory_is_flat_over_five_thousand_requests() -> None:
    pipeline, _, rewards = pipeline_of(lambda request, index: f"answer {index}", lambda r, c: 1.0)
    process = psutil.Process()
    async with client_of(create_app(Settings(best_of=N), pipeline)) as client:

        async def asked(count: int) -> int:
            for at in range(count // 10):
                stream = {"stream": at % 2 == 0}
                await asyncio.gather(
                    *(client.post("/v1/chat/completions", json=ask(**stream)) for _ in range(10))
                )
                rewards.calls.clear()  # the fakes keep what they were asked
                pipeline.generator.requests.clear()  # type: ignore[attr-defined]
                pipeline.generator.sampled.clear()  # type: ignore[attr-defined]
            gc.collect()
            return process.memory_info().rss

        warm = await asked(1000)
        after = await asked(5000)
    assert after - warm < 8 * 2**20, f"{(after - warm) / 2**20:.1f} MiB more"
