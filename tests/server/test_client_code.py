"""What clients send is run as code only where the operator says so."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

import pytest

from bestofn import Pipeline, Request, Score, Settings
from bestofn.core.types import Candidate
from bestofn.selection.argmax import ArgmaxSelector
from bestofn.testing import FakeGenerator
from bestofn_server.app import create_app
from tests.support.serving import client_of, error_of

CHAT = {"messages": [{"role": "user", "content": "add"}]}
TESTED = {**CHAT, "bestofn": {"reference": "assert add(1, 2) == 3"}}
REWARDS = {"prompt": "add", "responses": ["def add(a, b): return a + b"], "reference": "assert 1"}


class _Noticing:
    """A reward model that notes what it would have run."""

    def __init__(self) -> None:
        self.seen: list[Any] = []

    async def score(self, request: Request, candidates: Sequence[Candidate]) -> list[Score]:
        self.seen.append(request.reference)
        return [Score(1.0)] * len(candidates)


def _settings(check: str, *, allowed: bool) -> Settings:
    return Settings.load(
        upstream="http://nowhere.example",
        rewards=[{"kind": "verifier", "check": check}],
        server={"client_code": allowed},
    )


def _pipeline(noticing: _Noticing) -> Pipeline:
    return Pipeline(FakeGenerator(["def add(a, b): return a + b"]), ArgmaxSelector(), [], noticing)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/chat/completions", TESTED),
        ("/v1/completions", {"prompt": "add", "bestofn": {"reference": ["assert 1"]}}),
        ("/v1/rewards", REWARDS),
        ("/v1/rewards", {**REWARDS, "reference": None}),
        ("/v1/rerank", {"query": "add", "documents": ["print(1)"]}),
        ("/v2/rerank", {"query": "add", "documents": ["print(1)"]}),
        ("/score", {"text_1": "add", "text_2": "print(1)"}),
        ("/get_reward", {"query": "add print(1)", "prompts": "add ", "labels": ["assert 1"]}),
        ("/classify", {"messages": [*CHAT["messages"], {"role": "assistant", "content": "1"}]}),
    ],
)
async def test_code_of_clients_is_refused_in_a_sentence(path: str, body: dict[str, Any]) -> None:
    noticing = _Noticing()
    app = create_app(_settings("code", allowed=False), _pipeline(noticing))
    async with client_of(app) as client:
        response = await client.post(path, json=body)
    assert response.status_code == 403
    error = error_of(response)
    assert error["code"] == "client_code_refused"
    assert error["message"].endswith("and this server runs none that clients send")
    assert noticing.seen == []


async def test_without_a_reference_the_same_server_answers() -> None:
    noticing = _Noticing()
    app = create_app(_settings("code", allowed=False), _pipeline(noticing))
    async with client_of(app) as client:
        for more in ({}, {"bestofn": {"reference": None}}):
            response = await client.post("/v1/chat/completions", json={**CHAT, **more})
            assert response.status_code == 200, response.text
    assert noticing.seen == [None, None]


@pytest.mark.parametrize(("check", "allowed"), [("code", True), ("math", False)])
async def test_what_is_allowed_or_no_code_goes_to_the_verifier(check: str, allowed: bool) -> None:
    noticing = _Noticing()
    app = create_app(_settings(check, allowed=allowed), _pipeline(noticing))
    async with client_of(app) as client:
        assert (await client.post("/v1/chat/completions", json=TESTED)).status_code == 200
        assert (await client.post("/v1/rewards", json=REWARDS)).status_code == 200
    assert noticing.seen == ["assert add(1, 2) == 3", "assert 1"]


@pytest.mark.parametrize(
    ("allowed", "level", "words"),
    [
        (True, logging.WARNING, "runs programs and tests that clients send"),
        (False, logging.INFO, "refuses the programs and tests that clients send"),
    ],
)
async def test_the_log_says_which_when_it_starts(
    caplog: pytest.LogCaptureFixture, allowed: bool, level: int, words: str
) -> None:
    caplog.set_level(logging.INFO)
    app = create_app(_settings("code", allowed=allowed), _pipeline(_Noticing()))
    async with client_of(app):
        pass
    (line,) = [each for each in caplog.records if "client_code" in each.getMessage()]
    assert line.levelno == level
    assert words in line.getMessage()
