"""Who is let in: API keys, and the origins of browsers."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import SecretStr

from bestofn import ConfigError
from bestofn_server.http.auth import ApiKeys
from tests.support.serving import app_of, ask, client_of, error_of

pytestmark = pytest.mark.model

CHAT = "/v1/chat/completions"
GUARDED = [
    ("POST", CHAT),
    ("POST", "/v1/completions"),
    ("GET", "/v1/models"),
    ("GET", "/v1/models/any"),
    ("POST", "/v1/rewards"),
    ("POST", "/v1/rerank"),
    ("POST", "/classify"),
    ("POST", "/v1/score"),
    ("POST", "/v2/rerank"),
    ("POST", "/rerank"),
    ("POST", "/score"),
    ("POST", "/pooling"),
    ("POST", "/get_reward"),
    ("POST", "/tokenize"),
    ("POST", "/detokenize"),
    ("GET", "/version"),
    ("GET", "/none/such"),
]
OPEN = ["/health", "/ready", "/ping", "/load", "/metrics", "/openapi.json", "/docs"]
LIMIT = 2048
ORIGIN = "https://chat.example"


def _bearer(key: str) -> dict[str, str]:
    return {"authorization": f"Bearer {key}"}


def _keys(file: Path, *given: str) -> ApiKeys:
    return ApiKeys([SecretStr(key) for key in given], file)


async def test_without_the_key_it_is_a_401_on_every_guarded_path() -> None:
    wrong = [f"Bearer {key}" for key in ("wrong", "one two", "On", "ONE")]
    wrong += ["Bearer", "Basic one", "one"]
    async with client_of(app_of(api_keys=["one", "two"])) as client:
        asked: list[tuple[str, str, dict[str, str]]] = [
            (method, path, {}) for method, path in GUARDED
        ]
        asked += [("POST", CHAT, {"authorization": value}) for value in wrong]
        for method, path, headers in asked:
            response = await client.request(method, path, headers=headers)
            assert response.status_code == 401, (path, headers)
            assert response.headers["www-authenticate"] == "Bearer"
            error = error_of(response)
            assert (error["type"], error["code"]) == ("invalid_request_error", "invalid_api_key")
            assert "Authorization: Bearer KEY" in error["message"]


async def test_each_of_several_keys_lets_in_and_open_paths_need_none(tmp_path: Path) -> None:
    file = tmp_path / "keys"
    file.write_text("# of the team\n\n  from-file  \n\n#disabled\n", encoding="utf-8")
    async with client_of(app_of(api_keys=["one", "two"], api_key_file=file)) as client:
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
    async with client_of(app_of(keys=keys)) as client:

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
        (
            b"# ours\n\na:one\n :secret\n",
            "keys:4: the name of the key, before its colon, is",
        ),
    ],
)
def test_a_file_without_keys_changes_nothing_and_is_anerror_of(
    tmp_path: Path, content: bytes | None, said: str
) -> None:
    file = tmp_path / "keys"
    file.write_text("old\n", encoding="utf-8")
    keys = _keys(file)
    if content is None:
        file.unlink()
    else:
        file.write_bytes(content)
    with pytest.raises(ConfigError, match=said) as caught:
        keys.reload()
    assert "secret" not in str(caught.value)
    assert keys.name_of("old")
    assert not keys.name_of("")
    with pytest.raises(ConfigError, match=said):
        app_of(api_key_file=file)


def test_an_empty_key_or_name_is_refused_at_the_start() -> None:
    with pytest.raises(ConfigError, match="an API key is empty"):
        ApiKeys([SecretStr("one"), SecretStr(" ")])
    with pytest.raises(ConfigError, match=r"^API key 2: the name of the key, before"):
        ApiKeys([SecretStr("one"), SecretStr(":two")])


def test_the_mark_of_a_windows_editor_is_no_part_of_a_key(tmp_path: Path) -> None:
    file = tmp_path / "keys"
    file.write_bytes(b"\xef\xbb\xbfteam:one\r\ntwo\r\n")
    keys = _keys(file)
    assert [keys.name_of(key) for key in ("one", "two")] == ["team", "key-2"]


def test_without_keys_everybody_is_let_in() -> None:
    assert not ApiKeys().guarded


async def test_no_origin_may_call_by_default() -> None:
    async with client_of(app_of(), headers={"origin": ORIGIN}) as client:
        answers = [
            await client.post(CHAT, json=ask()),
            await client.options(CHAT, headers={"access-control-request-method": "POST"}),
        ]
    assert [answer.status_code for answer in answers] == [200, 204]
    for answer in answers:
        assert not [name for name in answer.headers if name.startswith("access-control")]


async def test_a_configured_origin_may_call_and_asks_without_the_key() -> None:
    app = app_of(api_keys=["one"], cors_origins=[ORIGIN])
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
