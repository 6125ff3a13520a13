"""The playground's paths: the page, what it loads, what it may load, and who may open it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from pydantic import SecretStr

from bestofn import ConfigError
from bestofn_server.http.auth import ApiKeys
from bestofn_server.playground.pages import STATIC
from tests.support.serving import app_of, client_of

SCRIPTS = sorted(path.name for path in STATIC.glob("*.js"))


async def test_the_page_and_all_that_it_loads_are_there() -> None:
    async with client_of(app_of()) as client:
        page = await client.get("/")
        assert page.headers["content-type"].startswith("text/html")
        loaded = re.findall(r'(?:src|href)="([^"]+)"', page.text)
        assert loaded
        for each in loaded:
            assert (await client.get(f"/{each}")).status_code == 200, each


async def test_a_browser_is_told_to_load_nothing_from_elsewhere() -> None:
    async with client_of(app_of()) as client:
        policy = (await client.get("/")).headers["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy


@pytest.mark.parametrize("name", ["index.html", "style.css", *SCRIPTS])
def test_nothing_in_it_names_another_host(name: str) -> None:
    found = re.findall(r"https?://[^\s\"'`]+", (STATIC / name).read_text(encoding="utf-8"))
    assert found == []


def test_every_word_is_there_in_both_languages() -> None:
    text = (STATIC / "words.js").read_text(encoding="utf-8")
    english, chinese = re.findall(r"\n  (?:en|zh): \{(.*?)\n  \},", text, re.DOTALL)
    names = re.compile(r"(?:^|[,{]\s*|\n\s*)(\w+): ")
    assert names.findall(english) == names.findall(chinese)
    page = (STATIC / "index.html").read_text(encoding="utf-8")
    assert set(re.findall(r'data-word="(\w+)"', page)) <= set(names.findall(english))


async def test_it_tells_what_this_server_has() -> None:
    async with client_of(app_of()) as client:
        about = (await client.get("/playground/about")).json()
    assert about["best_of"] == 2
    assert about["active_filters"] == ["cut", "loop"]
    assert about["samples"] is True
    assert {"auto", "argmax", "consensus"} <= set(about["selectors"])
    assert about["stop_rules"][:2] == ["none", "auto"]
    assert about["examples"] == []


async def test_with_keys_the_page_opens_and_what_it_asks_for_does_not() -> None:
    keys = ApiKeys([SecretStr("secret")], None)
    async with client_of(app_of(keys=keys)) as client:
        assert (await client.get("/")).status_code == 200
        assert (await client.get("/playground/static/main.js")).status_code == 200
        assert (await client.get("/playground/about")).status_code == 401
        assert (await client.post("/v1/candidates", json={})).status_code == 401


async def test_it_can_be_closed_or_held_behind_the_key() -> None:
    async with client_of(app_of(playground="off")) as client:
        for path in ("/", "/playground/about", "/playground/static/main.js"):
            assert (await client.get(path)).status_code == 404
    keys = ApiKeys([SecretStr("secret")], None)
    async with client_of(app_of(keys=keys, playground="key")) as client:
        assert (await client.get("/")).status_code == 401
        assert (await client.get("/playground/static/main.js")).status_code == 401


async def test_the_operators_examples_are_offered(tmp_path: Path) -> None:
    file = tmp_path / "examples.json"
    examples = [{"prompt": "Why?", "responses": ["So.", "Because."]}]
    file.write_text(json.dumps(examples), encoding="utf-8")
    async with client_of(app_of(playground_examples=file)) as client:
        assert (await client.get("/playground/about")).json()["examples"] == examples


@pytest.mark.parametrize("content", ["", "{}", '[{"prompt": "Why?"}]', '[{"prompt": 1}]'])
def test_examples_that_are_none_end_the_start(content: str, tmp_path: Path) -> None:
    file = tmp_path / "examples.json"
    file.write_text(content, encoding="utf-8")
    with pytest.raises(ConfigError, match=r"playground_examples: .*examples\.json"):
        app_of(playground_examples=file)


def test_examples_that_are_nowhere_end_the_start(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="No such file"):
        app_of(playground_examples=tmp_path / "none.json")
