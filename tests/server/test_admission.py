"""How much runs at once, and the 429 that the rest gets."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import httpx
import pytest

from bestofn.testing import FakeCompletion, FakeGenerator
from bestofn_server.admission import Admission
from bestofn_server.errors import InvalidBodyError, NotReadyError, OverloadedError
from tests.support.serving import app_of, ask, client_of, error_of

CHAT = "/v1/chat/completions"


async def _until(line: str, client: httpx.AsyncClient) -> None:
    """Wait for a line of the metrics."""
    started = time.monotonic()
    while line not in (await client.get("/metrics")).text.splitlines():
        assert time.monotonic() - started < 5, line


async def test_what_does_not_fit_is_a_429_at_once() -> None:
    answered = [{"role": "user", "content": "What?"}, {"role": "assistant", "content": "good"}]
    asked: list[tuple[str, dict[str, Any]]] = [
        (CHAT, ask(max_tokens=1)),
        (CHAT, ask(max_tokens=1, stream=True)),
        ("/v1/completions", {"prompt": "What?", "max_tokens": 1}),
        ("/v1/rewards", {"prompt": "What?", "responses": ["good"]}),
        ("/v1/rerank", {"query": "What?", "documents": ["good"]}),
        ("/classify", {"messages": answered}),
        ("/score", {"text_1": "What?", "text_2": "good"}),
        ("/pooling", {"messages": answered}),
        ("/get_reward", {"query": "What? good", "prompts": "What? "}),
    ]
    slow = FakeGenerator(lambda request, at: FakeCompletion("good", delay=request.seed or 0))
    async with client_of(app_of(slow, max_tokens_in_flight=200)) as client:
        running = asyncio.create_task(client.post(CHAT, json=ask(max_tokens=100, seed=30)))
        await _until("bestofn_tokens_in_flight 200.0", client)
        for path, body in asked:
            refused = await client.post(path, json=body)
            assert refused.status_code == 429, path
            assert refused.headers["retry-after"] == "1"
            error = error_of(refused)
            assert (error["type"], error["code"]) == ("rate_limit_error", "overloaded")
            assert error["message"].startswith("200 candidate tokens are in flight")
        assert not running.done()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await _until("bestofn_requests_in_flight 0.0", client)
        for path, body in asked:
            assert (await client.post(path, json=body)).status_code == 200, path
        await _until(f"bestofn_refused_total {len(asked)}.0", client)


def test_what_could_never_fit_is_an_error_of_the_request() -> None:
    admission = Admission(10)
    with pytest.raises(InvalidBodyError, match="may sample 25 candidate tokens") as caught:
        admission.admit(25).__enter__()
    assert (caught.value.status, caught.value.code) == (400, "too_many_tokens")
    with admission.admit(4), admission.admit(6):
        with (
            pytest.raises(OverloadedError, match="10 candidate tokens are in flight"),
            admission.admit(1),
        ):
            pass
        assert (admission.tokens, admission.requests) == (10, 2)
    assert (admission.tokens, admission.requests) == (0, 0)


def test_a_place_is_free_again_after_an_error_too() -> None:
    admission = Admission(10)
    with pytest.raises(ZeroDivisionError), admission.admit(10):
        raise ZeroDivisionError
    assert (admission.tokens, admission.requests) == (0, 0)


def test_the_time_to_wait_follows_how_long_requests_take(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr("bestofn_server.admission.time.monotonic", lambda: now)
    admission = Admission(10)
    for _ in range(100):
        with admission.admit(10):
            now += 40
    with admission.admit(10), pytest.raises(OverloadedError) as caught, admission.admit(1):
        pass
    assert caught.value.headers == {"retry-after": "40"}


async def test_nothing_is_let_in_once_it_is_closed() -> None:
    app = app_of()
    async with client_of(app) as client:
        app.state.bestofn.admission.closed = True
        for path, body in (
            (CHAT, ask()),
            ("/v1/rewards", {"prompt": "What?", "responses": ["good"]}),
        ):
            response = await client.post(path, json=body)
            assert response.status_code == 503
            assert error_of(response)["code"] == "not_ready"
            assert error_of(response)["message"] == "the server is stopping"
        assert (await client.get("/ready")).status_code == 503
        assert (await client.get("/health")).status_code == 200
    admission = Admission(10)
    admission.closed = True
    with pytest.raises(NotReadyError), admission.admit(1):
        pass
