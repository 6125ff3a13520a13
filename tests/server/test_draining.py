"""The end of a server: what runs is waited for, what comes is a 503, a dead engine ends it."""

from __future__ import annotations

import asyncio
import threading
import time

import httpx
import pytest

from bestofn.testing import FakeCompletion, FakeGenerator
from bestofn_server import run
from tests.support.listening import Listening, listening
from tests.support.serving import ask, error_of

pytestmark = pytest.mark.model

CHAT = "/v1/chat/completions"


def _client(server: Listening) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=server.url, timeout=30)


async def _running(server: Listening, count: int) -> None:
    while server.listener._service.admission.requests < count:
        await asyncio.sleep(0.01)


async def test_what_runs_is_answered_and_what_comes_is_a_503() -> None:
    slow = FakeGenerator([FakeCompletion("good", delay=0.8)])
    async with listening(slow) as server, _client(server) as client:
        running = [
            asyncio.create_task(client.post(CHAT, json=ask(stream=stream)))
            for stream in (False, True)
        ]
        await _running(server, 2)
        server.listener.stop()
        refused = await client.post(CHAT, json=ask())
        async with _client(server) as late:  # on a connection of its own
            ready = await late.get("/ready")
        for response in (refused, ready):
            assert response.status_code == 503
            assert error_of(response)["message"] == "the server is stopping"
        assert not running[0].done()
        plain, streamed = await asyncio.gather(*running)
        assert plain.json()["choices"][0]["message"]["content"] == "good"
        assert streamed.text.endswith("data: [DONE]\n\n")
        assert '"error"' not in streamed.text
        await asyncio.wait_for(server.task, 5)


async def test_what_runs_on_after_the_drain_is_told_so() -> None:
    slow = FakeGenerator([FakeCompletion("good", delay=60)])
    settings = {"drain_seconds": 0.3, "keep_alive_seconds": 0.1}
    async with listening(slow, **settings) as server, _client(server) as client:
        rewards = {"prompt": "What?", "responses": ["x"]}
        plain = asyncio.create_task(client.post(CHAT, json=ask()))
        streamed = asyncio.create_task(client.post(CHAT, json=ask(stream=True)))
        await _running(server, 2)
        await asyncio.sleep(0.2)  # the stream has begun
        server.listener.stop()
        said = error_of(await plain)
        assert (plain.result().status_code, said["code"]) == (503, "not_ready")
        assert said["message"] == "the server is stopping, and could not wait for it"
        events = (await streamed).text.strip().split("\n\n")
        assert '"code":"not_ready"' in events[-2]
        assert events[-1] == "data: [DONE]"
        await asyncio.wait_for(server.task, 5)
        assert len(slow.aborted) == 4
        with pytest.raises(httpx.TransportError):
            await client.post("/v1/rewards", json=rewards)


async def test_an_idle_server_ends_at_once() -> None:
    async with listening() as server, _client(server) as client:
        assert (await client.get("/health")).status_code == 200
        started = time.monotonic()
        server.listener.stop()
        await asyncio.wait_for(server.task, 20)
        assert time.monotonic() - started < 20
        assert not server.listener.engine_died


class Dying(FakeGenerator):
    """A fake whose engine dies when it is told to."""

    dead = False


async def test_a_dead_engine_is_unhealthy_and_ends_the_server() -> None:
    dying = Dying([FakeCompletion("good", delay=60)])
    async with listening(dying) as server, _client(server) as client:
        assert (await client.get("/health")).status_code == 200
        running = asyncio.create_task(client.post(CHAT, json=ask()))
        await _running(server, 1)
        dying.dead = True
        health = await client.get("/health")
        assert health.status_code == 503
        assert error_of(health)["message"] == "the engine has died, and this process ends"
        assert (await running).status_code == 503
        await asyncio.wait_for(server.task, 5)
        assert server.listener.engine_died


async def test_a_dead_engine_is_told_once() -> None:
    told: list[int] = []
    dying = Dying(["good"])
    async with listening(dying) as server:
        server.listener._tell_death = lambda: told.append(1)
        dying.dead = True
        await asyncio.wait_for(server.task, 5)
    assert told == [1]


def test_models_that_do_not_close_are_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    ended = threading.Event()
    monkeypatch.setattr(run, "GRACE", 0.05)
    monkeypatch.setattr(run, "_end", ended.set)
    with run.ending_by_force():
        assert not ended.wait(0.2)  # the engine is well
    with run.ending_by_force() as engine_died:
        engine_died()
    assert not ended.wait(0.2)  # they were closed in time
    with run.ending_by_force() as engine_died:
        engine_died()
        assert ended.wait(5)
