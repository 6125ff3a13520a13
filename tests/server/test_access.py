"""Who is let in, how much of it, and what is said to the rest."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from pydantic import SecretStr

from bestofn import ConfigError, Settings
from bestofn.sections import ServerSettings
from bestofn.testing import FakeCompletion, FakeGenerator
from bestofn_server.admission import Admission
from bestofn_server.app import create_app
from bestofn_server.auth import ApiKeys
from bestofn_server.errors import NotReadyError, OverloadedError
from tests.scripts import pipeline_of
from tests.server.serving import ask, client_of

CHAT = "/v1/chat/completions"
GUARDED = [
    ("POST", CHAT),
    ("POST", "/v1/completions"),
    ("GET", "/v1/models"),
    ("GET", "/v1/models/any"),
    ("POST", "/v1/rewards"),
    ("POST", "/v1/rerank"),
    ("POST", "/classify"),
    ("GET", "/none/such"),
]
OPEN = ["/health", "/ready", "/metrics", "/openapi.json", "/docs"]
LIMIT = 2048
ORIGIN = "https://chat.example"


def _app(script: Any = ("good", "better"), keys: ApiKeys | None = None, **server: Any) -> FastAPI:
    pipeline, _, _ = pipeline_of(script)
    return create_app(Settings(best_of=2, server=ServerSettings(**server)), pipeline, keys=keys)


def _bearer(key: str) -> dict[str, str]:
    return {"authorization": f"Bearer {key}"}


def _keys(file: Path, *given: str) -> ApiKeys:
    return ApiKeys([SecretStr(key) for key in given], file)


def _error(response: httpx.Response) -> dict[str, Any]:
    """What the envelope holds; it holds nothing else."""
    body = response.json()
    assert body.keys() == {"error"}
    assert body["error"].keys() == {"message", "type", "param", "code"}
    error: dict[str, Any] = body["error"]
    return error


async def _until(line: str, client: httpx.AsyncClient) -> None:
    """Wait for a line of the metrics."""
    started = time.monotonic()
    while line not in (await client.get("/metrics")).text.splitlines():
        assert time.monotonic() - started < 5, line


async def test_without_the_key_it_is_a_401_on_every_guarded_path() -> None:
    wrong = [f"Bearer {key}" for key in ("wrong", "one two", "On", "ONE")]
    wrong += ["Bearer", "Basic one", "one"]
    async with client_of(_app(api_keys=["one", "two"])) as client:
        asked: list[tuple[str, str, dict[str, str]]] = [
            (method, path, {}) for method, path in GUARDED
        ]
        asked += [("POST", CHAT, {"authorization": value}) for value in wrong]
        for method, path, headers in asked:
            response = await client.request(method, path, headers=headers)
            assert response.status_code == 401, (path, headers)
            assert response.headers["www-authenticate"] == "Bearer"
            error = _error(response)
            assert (error["type"], error["code"]) == ("invalid_request_error", "invalid_api_key")
            assert "Authorization: Bearer KEY" in error["message"]


async def test_each_of_several_keys_lets_in_and_open_paths_need_none(tmp_path: Path) -> None:
    file = tmp_path / "keys"
    file.write_text("# of the team\n\n  from-file  \n\n#disabled\n", encoding="utf-8")
    async with client_of(_app(api_keys=["one", "two"], api_key_file=file)) as client:
        for key in ("one", "two", "from-file"):
            for scheme in ("Bearer", "bearer"):
                headers = {"authorization": f"{scheme} {key}"}
                response = await client.post(CHAT, json=ask(), headers=headers)
                assert response.status_code == 200, key
        for line in ("#disabled", "disabled", "# of the team"):
            response = await client.post(CHAT, json=ask(), headers=_bearer(line))
            assert response.status_code == 401, line
        for path in OPEN:
            assert (await client.get(path)).status_code == 200, path


async def test_a_changed_file_counts_once_it_is_read_again(tmp_path: Path) -> None:
    file = tmp_path / "keys"
    file.write_text("old\n", encoding="utf-8")
    keys, names = _keys(file, "given"), ("old", "new", "given")
    async with client_of(_app(keys=keys)) as client:

        async def admitted() -> set[str]:
            asked = {key: await client.get("/v1/models", headers=_bearer(key)) for key in names}
            return {key for key, answer in asked.items() if answer.status_code == 200}

        file.write_text("new\n", encoding="utf-8")
        assert await admitted() == {"old", "given"}
        keys.reload()
        assert await admitted() == {"new", "given"}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "cannot be read"),
        (b"", "holds no API key"),
        (b"\n# all of them are gone\n", "holds no API key"),
        (b"\xff\xfe", "cannot be read"),
    ],
)
def test_a_file_without_keys_changes_nothing_and_is_an_error(
    tmp_path: Path, content: bytes | None, said: str
) -> None:
    file = tmp_path / "keys"
    file.write_text("old\n", encoding="utf-8")
    keys = _keys(file)
    if content is None:
        file.unlink()
    else:
        file.write_bytes(content)
    with pytest.raises(ConfigError, match=said):
        keys.reload()
    assert keys.admit("old")
    assert not keys.admit("")
    with pytest.raises(ConfigError, match=said):
        _app(api_key_file=file)


def test_an_empty_key_is_refused_at_the_start() -> None:
    with pytest.raises(ConfigError, match="an API key is empty"):
        ApiKeys([SecretStr("one"), SecretStr(" ")])


def test_without_keys_everybody_is_let_in() -> None:
    assert not ApiKeys().guarded


async def test_no_origin_may_call_by_default() -> None:
    async with client_of(_app(), headers={"origin": ORIGIN}) as client:
        answers = [
            await client.post(CHAT, json=ask()),
            await client.options(CHAT, headers={"access-control-request-method": "POST"}),
        ]
    assert [answer.status_code for answer in answers] == [200, 405]
    for answer in answers:
        assert not [name for name in answer.headers if name.startswith("access-control")]


async def test_a_configured_origin_may_call_and_asks_without_the_key() -> None:
    app = _app(api_keys=["one"], cors_origins=[ORIGIN])
    wanted = {
        "access-control-request-method": "POST",
        "access-control-request-headers": "authorization, content-type",
    }
    async with client_of(app) as client:
        asked = await client.options(CHAT, headers={"origin": ORIGIN, **wanted})
        assert asked.status_code == 200
        assert asked.headers["access-control-allow-origin"] == ORIGIN
        assert "POST" in asked.headers["access-control-allow-methods"]
        assert "authorization" in asked.headers["access-control-allow-headers"]
        for headers, status in ((_bearer("one"), 200), ({}, 401)):
            response = await client.post(CHAT, json=ask(), headers={"origin": ORIGIN, **headers})
            assert response.status_code == status
            assert response.headers["access-control-allow-origin"] == ORIGIN
            assert "x-request-id" in response.headers["access-control-expose-headers"]
        other = {"origin": "https://other.example", **wanted}
        refused = await client.options(CHAT, headers=other)
        assert refused.status_code == 400
        assert "access-control-allow-origin" not in refused.headers


async def _chunked(content: bytes) -> AsyncIterator[bytes]:
    for at in range(0, len(content), 500):
        yield content[at : at + 500]


@pytest.mark.parametrize("chunked", [False, True])
async def test_a_body_above_the_limit_is_a_413(chunked: bool) -> None:
    generator = FakeGenerator(["good", "better"])
    bare = httpx.Request("POST", "http://test", json=ask(user="")).content
    headers = {"content-type": "application/json"}
    async with client_of(_app(generator, max_body_bytes=LIMIT), headers=headers) as client:
        for size, status in ((LIMIT, 200), (LIMIT + 1, 413), (2**21, 413), (LIMIT, 200)):
            content = bare.replace(b'"user":""', b'"user":"%s"' % (b"x" * (size - len(bare))))
            assert len(content) == size
            sent = _chunked(content) if chunked else content
            response = await client.post(CHAT, content=sent)
            assert response.status_code == status
            assert ("content-length" in response.request.headers) is not chunked
            if status == 413:
                assert f"{LIMIT:,} bytes" in _error(response)["message"]
                assert _error(response)["type"] == "invalid_request_error"
    assert len(generator.requests) == 2


async def test_the_request_id_is_the_clients_or_a_new_one() -> None:
    async with client_of(_app()) as client:

        async def answered(*named: str, path: str = CHAT) -> str:
            headers = [(b"x-request-id", name.encode("latin-1")) for name in named]
            response = await client.post(path, json=ask(), headers=headers)
            return str(response.headers["x-request-id"])

        assert await answered("order-17/b") == "order-17/b"
        assert await answered("x" * 128) == "x" * 128
        assert await answered("in-an-error", path="/v1/completions") == "in-an-error"
        made = [await answered(*each) for each in ((), ("",), ("x" * 129,), ("a\tb",), ("a\x85b",))]
        assert len(set(made)) == len(made)
        assert all(len(identity) == 32 and int(identity, 16) for identity in made)


async def test_an_unknown_path_is_a_404_and_a_wrong_method_a_405() -> None:
    async with client_of(_app()) as client:
        nowhere = await client.get("/v1/none/such")
        assert (nowhere.status_code, _error(nowhere)["message"]) == (404, "Not Found")
        for path in (CHAT, "/classify"):
            wrong = await client.get(path, headers={"x-request-id": "mine"})
            assert (wrong.status_code, wrong.headers["allow"]) == (405, "POST")
            assert _error(wrong)["type"] == "invalid_request_error"
            assert wrong.headers["x-request-id"] == "mine"
        metrics = (await client.get("/metrics")).text
    assert f'bestofn_requests_total{{path="{CHAT}",status="405"}} 1.0' in metrics


async def test_what_does_not_fit_is_a_429_at_once() -> None:
    answered = [{"role": "user", "content": "What?"}, {"role": "assistant", "content": "good"}]
    asked: list[tuple[str, dict[str, Any]]] = [
        (CHAT, ask(max_tokens=1)),
        (CHAT, ask(max_tokens=1, stream=True)),
        ("/v1/completions", {"prompt": "What?", "max_tokens": 1}),
        ("/v1/rewards", {"prompt": "What?", "responses": ["good"]}),
        ("/v1/rerank", {"query": "What?", "documents": ["good"]}),
        ("/classify", {"messages": answered}),
    ]
    slow = FakeGenerator(lambda request, at: FakeCompletion("good", delay=request.seed or 0))
    async with client_of(_app(slow, max_tokens_in_flight=200)) as client:
        running = asyncio.create_task(client.post(CHAT, json=ask(max_tokens=100, seed=30)))
        await _until("bestofn_tokens_in_flight 200.0", client)
        for path, body in asked:
            refused = await client.post(path, json=body)
            assert refused.status_code == 429, path
            assert refused.headers["retry-after"] == "1"
            error = _error(refused)
            assert (error["type"], error["code"]) == ("rate_limit_error", "overloaded")
            assert error["message"].startswith("1 requests are running")
        assert not running.done()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await _until("bestofn_requests_in_flight 0.0", client)
        for path, body in asked:
            assert (await client.post(path, json=body)).status_code == 200, path
        await _until(f"bestofn_refused_total {len(asked)}.0", client)


def test_one_request_above_the_limit_is_let_in_where_nothing_runs() -> None:
    admission = Admission(10)
    with admission.admit(25):
        assert (admission.tokens, admission.requests) == (25, 1)
        with pytest.raises(OverloadedError), admission.admit(1):
            pass
    assert (admission.tokens, admission.requests) == (0, 0)
    with admission.admit(4), admission.admit(6):
        with pytest.raises(OverloadedError, match="2 requests are running"), admission.admit(1):
            pass
        assert (admission.tokens, admission.requests) == (10, 2)


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
    app = _app()
    async with client_of(app) as client:
        app.state.bestofn.admission.closed = True
        for path, body in (
            (CHAT, ask()),
            ("/v1/rewards", {"prompt": "What?", "responses": ["good"]}),
        ):
            response = await client.post(path, json=body)
            assert response.status_code == 503
            assert _error(response)["code"] == "not_ready"
            assert _error(response)["message"] == "the server is stopping"
        assert (await client.get("/ready")).status_code == 503
        assert (await client.get("/health")).status_code == 200
    admission = Admission(10)
    admission.closed = True
    with pytest.raises(NotReadyError), admission.admit(1):
        pass
