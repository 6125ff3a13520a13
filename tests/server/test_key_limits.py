"""API keys with names: shares of what runs, rates, and who it was in log and metrics."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from bestofn import ConfigError, Settings
from bestofn.settings.sections import ServerSettings
from bestofn.settings.server_limits import KeyLimits
from bestofn.testing import FakeCompletion, FakeGenerator
from bestofn_server.admission import Admission
from bestofn_server.app import create_app
from bestofn_server.errors import InvalidBodyError, OverloadedError
from bestofn_server.http.auth import ApiKeys
from tests.support.scripts import pipeline_of
from tests.support.serving import app_of, ask, client_of, error_of

CHAT = "/v1/chat/completions"
FULL = OverloadedError


def _bearer(key: str) -> dict[str, str]:
    return {"authorization": f"Bearer {key}"}


def _keys(*given: str) -> ApiKeys:
    return ApiKeys([SecretStr(key) for key in given])


def test_a_key_has_a_name_before_a_colon_or_is_called_by_its_place() -> None:
    keys = _keys("alice:one", "two", "bob.2-x_y:three:four", "not a name!:5".replace(" ", ""))
    assert keys.name_of("one") == "alice"
    assert keys.name_of("two") == "key-2"
    assert keys.name_of("three:four") == "bob.2-x_y"
    assert keys.name_of("notaname!:5") == "key-4"
    for other in ("alice:one", "alice", "", "three", "ONE"):
        assert keys.name_of(other) is None


@pytest.mark.parametrize("key", ["alice:", "a b", "x\n", "line\nbreak", "alice:x\ty", "kéy"])
def test_what_no_header_can_carry_is_one_sentence(key: str) -> None:
    with pytest.raises(ConfigError) as caught:
        _keys("fine", key)
    assert "\n" not in str(caught.value)
    assert "break" not in str(caught.value).replace("line break", "")


def test_a_share_leaves_room_for_the_others() -> None:
    admission = Admission(100, KeyLimits(share=0.5), {"big": KeyLimits(share=1)})
    with admission.admit(40, "a"):
        with (
            pytest.raises(FULL, match="no room in its share for 20 more"),
            admission.admit(20, "a"),
        ):
            pass
        with admission.admit(10, "a"), admission.admit(50, "b"):
            assert admission.tokens == 100
            with pytest.raises(FULL, match="100 candidate tokens"), admission.admit(1, "c"):
                pass
    with pytest.raises(InvalidBodyError, match="at most 50 at once"):
        admission.admit(51, "a").__enter__()
    with admission.admit(100, "big"):
        pass
    assert [admission.most(name) for name in ("a", "big")] == [50, 100]


def test_so_many_requests_of_a_key_run_at_once() -> None:
    admission = Admission(100, keys={"a": KeyLimits(requests_in_flight=2)})
    with (
        admission.admit(1, "a"),
        admission.admit(1, "a"),
        admission.admit(1, "b"),
        pytest.raises(FULL, match="2 requests in flight already"),
    ):
        admission.admit(1, "a").__enter__()
    with admission.admit(1, "a"):
        pass


@pytest.mark.parametrize(
    ("limits", "tokens", "fits", "waits"),
    [
        (KeyLimits(requests_per_minute=6), 1, 6, 10),
        (KeyLimits(tokens_per_minute=100), 40, 2, 12),
        (KeyLimits(requests_per_minute=3, tokens_per_minute=100), 10, 3, 20),
    ],
)
def test_a_minute_has_so_much_and_retry_after_is_when_there_is_more(
    monkeypatch: pytest.MonkeyPatch, limits: KeyLimits, tokens: int, fits: int, waits: int
) -> None:
    now = 1000.0
    monkeypatch.setattr("bestofn_server.admission.time.monotonic", lambda: now)
    admission = Admission(1000, limits)

    def ask_once() -> None:
        with admission.admit(tokens, "a"):
            pass

    for _ in range(fits):
        ask_once()
    for _ in range(2):  # being refused costs nothing
        with pytest.raises(FULL, match="this key has used its") as caught:
            ask_once()
        assert caught.value.headers == {"retry-after": str(waits)}
    with admission.admit(tokens, "b"):
        pass
    now += waits
    ask_once()
    with pytest.raises(FULL):
        ask_once()
    now += 3600
    for _ in range(fits):
        ask_once()
    with pytest.raises(FULL):
        ask_once()


def test_more_tokens_than_a_minute_has_are_an_error_of_the_request() -> None:
    admission = Admission(1000, KeyLimits(tokens_per_minute=100))
    with pytest.raises(InvalidBodyError, match="at most 100 at once"):
        admission.admit(101).__enter__()


async def test_each_key_has_its_own_limits_and_its_name_stands_in_log_and_metrics(
    caplog: pytest.LogCaptureFixture,
) -> None:
    limits: dict[str, Any] = {
        "api_keys": ["alice:secret-a", "bob:secret-b", "secret-c"],
        "key_limits": {"requests_per_minute": 2},
        "keys": {"bob": {}},
    }
    with caplog.at_level(logging.INFO, "bestofn_server"):
        pipeline = pipeline_of(["good", "better"])[0]
        settings = Settings(best_of=2, server=ServerSettings(**limits))
        async with client_of(create_app(settings, pipeline)) as client:

            async def asked(key: str) -> httpx.Response:
                return await client.post(CHAT, json=ask(max_tokens=5), headers=_bearer(key))

            statuses = {
                key: [(await asked(key)).status_code for _ in range(3)]
                for key in ("secret-a", "secret-b", "secret-c")
            }
            refused = await asked("secret-a")
            page = (await client.get("/metrics")).text
    assert statuses == {
        "secret-a": [200, 200, 429],
        "secret-b": [200, 200, 200],
        "secret-c": [200, 200, 429],
    }
    assert error_of(refused)["message"] == "this key has used its 2 requests a minute"
    assert 25 <= int(refused.headers["retry-after"]) <= 30
    assert 'bestofn_key_requests_total{key="alice",status="429"} 2.0' in page
    assert 'bestofn_key_requests_total{key="bob",status="200"} 3.0' in page
    assert 'bestofn_key_tokens_total{key="key-3"} 20.0' in page
    told = [record.__dict__["key"] for record in caplog.records if "status" in record.__dict__]
    assert told == ["alice"] * 3 + ["bob"] * 3 + ["key-3"] * 3 + ["alice"]
    assert "secret" not in page + caplog.text


async def test_a_big_request_cannot_shut_the_others_out() -> None:
    slow = FakeGenerator([FakeCompletion("good", delay=30)])
    limits: dict[str, Any] = {
        "api_keys": ["a:one", "b:two"],
        "max_tokens_in_flight": 1000,
        "key_limits": {"share": 0.6},
    }
    async with client_of(app_of(slow, **limits)) as client:
        huge = await client.post(CHAT, json=ask(max_tokens=2**31), headers=_bearer("one"))
        assert huge.status_code == 400
        assert "max_tokens is 2,147,483,648; this server takes at most" in error_of(huge)["message"]
        large = await client.post(CHAT, json=ask(max_tokens=400), headers=_bearer("one"))
        assert (large.status_code, error_of(large)["code"]) == (400, "too_many_tokens")
        running = asyncio.create_task(
            client.post(CHAT, json=ask(max_tokens=300), headers=_bearer("one"))
        )
        while "bestofn_tokens_in_flight 600.0" not in (await client.get("/metrics")).text:
            await asyncio.sleep(0.01)
        again = await client.post(CHAT, json=ask(max_tokens=1), headers=_bearer("one"))
        assert again.status_code == 429
        other = asyncio.create_task(
            client.post(CHAT, json=ask(max_tokens=100), headers=_bearer("two"))
        )
        while "bestofn_tokens_in_flight 800.0" not in (await client.get("/metrics")).text:
            assert not other.done()
            await asyncio.sleep(0.01)
        running.cancel()
        other.cancel()
        await asyncio.gather(running, other, return_exceptions=True)
