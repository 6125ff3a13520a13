"""URLs and keys of servers: what is sent, what is refused, and what is never written down."""

from __future__ import annotations

import base64
import json
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest
from aiohttp import web

from bestofn import Settings
from bestofn.core.errors import ConfigError
from bestofn.dataset.store.configuration import differences
from bestofn.dataset.store.identity import identity_of
from bestofn.dataset.store.manifest import Manifest
from bestofn.generators.openai import openai_generator
from bestofn.openai_api.connection import open_http
from bestofn.support.url import shown_url, without_credentials


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("http://host", "http://host"),
        ("https://me:secret@host:8000/v1", "https://host:8000/v1"),
        ("https://host/v1?key=secret", "https://host/v1"),
        ("https://host/v1?a=b@c#secret", "https://host/v1"),
        ("https://host#secret", "https://host"),
        ("me:secret@host/v1", "host/v1"),
        ("//me:secret@host/v1", "//host/v1"),
        ("https://me:secret@[bad", "https://[bad"),
        ("https://me:se@cret@host/x@y", "https://host/x@y"),
        (" HTTPS://secret@host ", "HTTPS://host"),
        ("org/model", "org/model"),
    ],
)
def test_a_url_is_shown_without_what_lets_somebody_in(url: str, shown: str) -> None:
    assert shown_url(url) == shown
    assert "secret" not in shown_url(url)


async def test_user_password_and_query_of_a_url_are_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[httpx.Request] = []

    async def answer(transport: Any, request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(200)

    monkeypatch.setattr(
        "bestofn.openai_api.bounded_body.BoundedTransport.handle_async_request", answer
    )
    async with open_http("http://me:pa%20ss@host/api?version=2&key=k") as http:
        await http.get("models")
    (request,) = asked
    assert str(request.url) == "http://host/api/models?version=2&key=k"
    credentials = base64.b64encode(b"me:pa ss").decode()
    assert request.headers["authorization"] == f"Basic {credentials}"
    async with open_http("http://host", api_key="k") as http:
        await http.get("models")
    assert str(asked[-1].url) == "http://host/v1/models"
    assert asked[-1].headers["authorization"] == "Bearer k"


async def test_no_cookie_of_a_server_is_sent_with_the_next_request() -> None:
    received: list[str | None] = []

    async def handle(request: web.BaseRequest) -> web.Response:
        received.append(request.headers.get("cookie"))
        return web.Response(headers={"set-cookie": "session=one"})

    async with AsyncExitStack() as stack:
        runner = web.ServerRunner(web.Server(handle))
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        # Jars keep no cookies of servers that have no name.
        url = f"http://localhost:{runner.addresses[0][1]}"
        http = await stack.enter_async_context(open_http(url))
        for _ in range(2):
            assert (await http.get("models")).headers["set-cookie"] == "session=one"
    assert received == [None, None]


@pytest.mark.parametrize(
    ("url", "key", "sentence"),
    [
        ("http://host", "secret\n", "the API key for http://host holds a line break"),
        ("http://host", "secret\r\nx-evil: 1", "holds a line break"),
        ("http://host", "sécret", "another character that no header may carry"),
        ("http://me:secret@host", "secret", "http://host is given a user and password"),
        ("ftp://me:secret@host", None, "ftp://host is no URL of a server"),
        ("me:secret@host", None, "is no URL"),
        ("http://me:secret@host:port", None, "is no URL"),
        ("http://me:secret@host:99999", None, "http://host:99999 .* server: 99999 is no port$"),
        ("http://host:0/v1", None, "is no URL of a server: 0 is no port$"),
        ("http://", None, "is no URL of a server"),
        ("", None, "is no URL of a server"),
    ],
)
async def test_what_cannot_be_sent_is_one_sentence_without_the_secret(
    url: str, key: str | None, sentence: str
) -> None:
    with pytest.raises(ConfigError, match=sentence) as caught:
        async with openai_generator(url, api_key=key):
            pass
    assert "\n" not in str(caught.value)
    assert "secret" not in str(caught.value)


async def test_a_server_that_cannot_be_reached_is_told_without_credentials() -> None:
    with pytest.raises(ConfigError, match=r"http://127.0.0.1:9 cannot be reached") as caught:
        async with openai_generator("http://me:secret@127.0.0.1:9?key=secret"):
            pass
    assert "secret" not in str(caught.value)


def _settings(upstream: Any) -> Settings:
    judge: Any = {"kind": "judge", "url": "https://me:secret@judge/v1?key=secret", "api_key": "x"}
    rewards: Any = [judge, "https://secret@scores?key=secret"]
    return Settings(upstream=upstream, rewards=rewards)


def test_a_run_writes_no_credentials_down_and_goes_on_with_others(tmp_path: Path) -> None:
    upstream = ["https://me:secret@a/v1?key=secret", "https://b"]
    config = identity_of(_settings(upstream), source="prompts.jsonl", columns={})
    assert "secret" not in json.dumps(config)
    assert config["upstream"] == ["https://a/v1", "https://b"]
    assert config["rewards"][0]["options"]["url"] == "https://judge/v1"
    older = {**config, "upstream": "https://me:secret@a/v1?key=secret"}
    Manifest(config=older, rows_per_shard=5).write(tmp_path)
    assert "secret" not in (tmp_path / "run.json").read_text()
    (tmp_path / "run.json").write_text(json.dumps({"config": older, "rows_per_shard": 5}))
    begun = Manifest.read(tmp_path)
    assert begun is not None
    assert "secret" not in begun.model_dump_json(), "0.1 wrote it down"
    now = identity_of(_settings("https://me:other@a/v1"), source="prompts.jsonl", columns={})
    assert differences(begun.config, now) == []


def test_only_urls_lose_a_part() -> None:
    kept = {"input": "who is @me?.jsonl", "filters": [{"pattern": "a?b@c"}], "n": 1}
    assert without_credentials(kept) == kept


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ("http://a", "http://a"),
        (["http://a"], "http://a"),
        (["http://a", "http://b"], ["http://a", "http://b"]),
    ],
)
def test_upstreams_are_one_url_or_several(
    given: Any, read: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert Settings(upstream=given).upstream == read
    said = given if isinstance(given, str) else json.dumps(given)
    monkeypatch.setenv("BESTOFN_UPSTREAM", said)
    assert Settings.load().upstream == read
