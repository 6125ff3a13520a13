"""What clients get over an upstream whose answers are odd, hostile, or no answers; over sockets."""

from __future__ import annotations

import contextlib
import functools
import json
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

import httpx
import pytest
from starlette.responses import Response

from bestofn import Pipeline, Settings
from bestofn.builders.pipeline import build_filters
from bestofn.generators.openai import openai_generator
from bestofn.openai_api.breaker import Breaker
from bestofn.selection.argmax import ArgmaxSelector
from bestofn.testing import FakeRewardModel
from bestofn_server.app import create_app
from tests.support.odd_answers import (
    CALL,
    GOOD,
    NO_ANSWER,
    ONE_ODD,
    STATUSES,
    WHOLE,
    answer,
    choice,
    sent,
)
from tests.support.serving import ask, client_of, error_of
from tests.support.upstream import Script, Upstream, running

pytestmark = pytest.mark.model

CHAT = "/v1/chat/completions"

_WAYS: Sequence[dict[str, Any]] = ({}, {"best_of": 1}, {"best_of": 1, "stream": True})


class Stub:
    """An upstream whose script can be changed, and a client of the service over it."""

    def __init__(self) -> None:
        self.script: Script = lambda body: sent(answer([choice(0)]))
        self.upstream = Upstream(lambda body: self.script(body))
        self.client: httpx.AsyncClient

    async def ask(self, script: Script, **fields: Any) -> httpx.Response:
        """The service's answer where the upstream answers so."""
        self.script = script
        self.upstream.bodies.clear()
        return await self.client.post(CHAT, json=ask(**fields))


@contextlib.asynccontextmanager
async def _stub() -> AsyncIterator[Stub]:
    stub = Stub()
    with running(stub.upstream) as upstream:
        settings = Settings(best_of=3, upstream=upstream.url, reward_model="none")
        async with openai_generator(upstream.url) as generator:
            longest = FakeRewardModel(lambda request, candidate: float(len(candidate.text)))
            filters = build_filters(settings.filters)
            pipeline = Pipeline(generator, ArgmaxSelector(), filters, longest)
            async with client_of(create_app(settings, pipeline)) as stub.client:
                yield stub


def _body(make: Callable[[int], Any]) -> Script:
    return lambda body: sent(make(body.get("n") or 1))


def _given(response: Response, body: dict[str, Any]) -> Response:
    return response


async def test_what_is_written_in_another_way_is_the_same_answer() -> None:
    async with _stub() as stub:
        for name, make in WHOLE.items():
            ranked = await stub.ask(_body(make))
            assert ranked.status_code == 200, (name, ranked.text)
            body = json.loads(ranked.text, parse_constant=pytest.fail)
            assert body["bestofn"]["accepted"] == 3, name
            assert body["choices"][0]["message"]["role"] == "assistant"
            assert body["choices"][0]["message"]["content"] == GOOD, name
            assert body["choices"][0]["finish_reason"] == "stop", name
            alone = await stub.ask(_body(make), best_of=1)
            assert alone.status_code == 200, (name, alone.text)
            only = json.loads(alone.text, parse_constant=pytest.fail)["choices"][0]
            assert (only["message"]["role"], only["message"]["content"]) == ("assistant", GOOD)
            assert only["finish_reason"] == "stop", name


async def test_one_odd_choice_costs_its_candidate_and_no_other() -> None:
    async with _stub() as stub:
        for name, (make, outcome) in ONE_ODD.items():
            response = await stub.ask(_body(make))
            assert response.status_code == 200, (name, response.text)
            report = response.json()["bestofn"]
            assert report["accepted"] == 2, (name, report)
            assert sum(report[outcome].values()) + sum(report["suspected"].values()) == 1, name
            assert response.json()["choices"][0]["message"]["content"] == GOOD, name
            assert report["winner"] in (1, 2), name


@pytest.mark.parametrize(
    "usage",
    [
        None,
        [],
        "many",
        {},
        {"prompt_tokens": None, "completion_tokens": None},
        {"prompt_tokens": -1, "completion_tokens": -7},
        {"prompt_tokens": 0.5, "completion_tokens": 7.5},
        {"prompt_tokens": 10**40, "completion_tokens": 10**40},
        {"prompt_tokens": 2**40, "completion_tokens": 2**40},
        {"prompt_tokens": True, "completion_tokens": "7"},
    ],
)
async def test_usage_that_is_no_sensible_number_is_null_and_not_zero(usage: Any) -> None:
    unknown = {"prompt_tokens": None, "completion_tokens": None, "total_tokens": None}
    async with _stub() as stub:
        response = await stub.ask(_body(lambda n: answer([choice(0)] * n, usage=usage)))
        assert response.status_code == 200
        assert response.json()["usage"] == unknown
        assert response.json()["bestofn"]["tokens"]["all_candidates"] is None
        alone = await stub.ask(_body(lambda n: answer([choice(0)] * n, usage=usage)), best_of=1)
        assert {**unknown, **(alone.json()["usage"] or {})} == unknown


async def test_numbers_that_are_whole_count_however_they_are_written() -> None:
    usage = {"prompt_tokens": 5.0, "completion_tokens": 7.0}
    async with _stub() as stub:
        response = await stub.ask(_body(lambda n: answer([choice(0)] * n, usage=usage)))
    assert response.json()["usage"] == {
        "prompt_tokens": 5,
        "completion_tokens": 7,
        "total_tokens": 12,
    }


async def test_thoughts_are_reasoning_and_a_refusal_is_kept() -> None:
    parts = [{"type": "thinking", "thinking": "Hm."}, {"type": "text", "text": GOOD}]
    refusal = [{"type": "refusal", "refusal": "I cannot help with that."}]
    async with _stub() as stub:
        for best_of in (1, 3):
            thought = await stub.ask(
                _body(lambda n: answer([choice(0, parts)] * n)), best_of=best_of
            )
            message = thought.json()["choices"][0]["message"]
            assert (message["content"], message["reasoning"]) == (GOOD, "Hm.")
            refused = await stub.ask(
                _body(lambda n: answer([choice(0, refusal)] * n)), best_of=best_of
            )
            message = refused.json()["choices"][0]["message"]
            assert (message["content"], message["refusal"]) == (None, "I cannot help with that.")


async def test_an_answer_is_better_than_a_longer_refusal() -> None:
    long = "I am sorry, but I cannot help with that at all. " * 3
    refused = choice(0, None, message={"refusal": long})
    async with _stub() as stub:
        response = await stub.ask(_body(lambda n: answer([refused] + [choice(1)] * (n - 1))))
    assert response.json()["choices"][0]["message"]["content"] == GOOD
    assert response.json()["bestofn"]["suspected"] == {"refused": 1}


@pytest.mark.parametrize("given", ["", "null", None, "[]", [], {}, " "])
async def test_no_arguments_are_an_empty_object_however_they_are_written(given: Any) -> None:
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": given}}
    script = _body(
        lambda n: answer([choice(0, None, "tool_calls", message={"tool_calls": [call]})] * n)
    )
    async with _stub() as stub:
        for best_of in (1, 3):
            response = await stub.ask(script, best_of=best_of)
            assert response.status_code == 200, response.text
            (said,) = response.json()["choices"][0]["message"]["tool_calls"]
            assert said["function"] == {"name": "f", "arguments": "{}"}
            assert response.json()["choices"][0]["finish_reason"] == "tool_calls"


@pytest.mark.parametrize(
    ("call", "said"),
    [
        ({**CALL, "function": {"name": "f", "arguments": {"a": 1}}}, CALL),
        (
            {"id": "c", "type": "custom", "custom": {"name": "shell", "input": "ls"}},
            {"id": "c", "type": "custom", "custom": {"name": "shell", "input": "ls"}},
        ),
        ({k: v for k, v in CALL.items() if k != "type"}, CALL),
    ],
)
async def test_calls_of_every_type_come_through(call: Any, said: Any) -> None:
    script = _body(
        lambda n: answer([choice(0, "", "tool_calls", message={"tool_calls": [call]})] * n)
    )
    async with _stub() as stub:
        response = await stub.ask(script)
    assert response.status_code == 200, response.text
    assert response.json()["choices"][0]["message"]["tool_calls"] == [said]
    assert response.json()["bestofn"]["accepted"] == 3


async def test_what_is_no_answer_has_a_status_and_a_sentence_of_ours(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("bestofn.openai_api.client._BACK_OFF", lambda state: 0.0)
    monkeypatch.setattr(Breaker, "enter", lambda breaker: True)
    async with _stub() as stub:
        for name, (given, status) in NO_ANSWER.items():
            for fields in _WAYS:
                response = await stub.ask(functools.partial(_given, given), **fields)
                assert response.status_code == status, (name, fields, response.text)
                message = error_of(response)["message"]
                assert "the upstream" in message
                assert "secret" not in message
                assert "quota" not in message
                if status == 429:
                    assert response.headers["retry-after"] == "1"


async def test_an_upstreams_own_words_never_reach_a_client(caplog: Any) -> None:
    async with _stub() as stub:
        for name, (status, given, expected, words) in STATUSES.items():
            body = given if isinstance(given, str) else json.dumps(given)
            for fields in _WAYS:
                given_back = functools.partial(_given, Response(body, status))
                response = await stub.ask(given_back, **fields)
                assert response.status_code == expected, (name, response.text)
                assert words in error_of(response)["message"], (name, response.text)
                for secret in ("secret", "bad thing", "not permitted", "html"):
                    assert secret not in response.text
    assert "bad thing" in caplog.text, "the log has them"
    assert "secret" not in caplog.text, "but no keys"


async def test_ready_says_no_more_than_clients_hear() -> None:
    async with _stub() as stub:
        stub.upstream.key = "another"  # the upstream refuses from now on
        response = await stub.client.get("/ready")
    assert response.status_code == 503
    assert error_of(response)["message"] == "the upstream refuses the server's key (status 401)"


async def test_half_of_a_surrogate_pair_in_a_request_costs_nothing() -> None:
    async with _stub() as stub:
        stub.script = lambda body: sent(answer([choice(0)] * (body.get("n") or 1)))
        for best_of in (1, 3):
            said = json.dumps(
                {"messages": [{"role": "user", "content": "half \ud83d pair"}], "best_of": best_of}
            )
            response = await stub.client.post(CHAT, content=said)
            assert response.status_code in (200, 400), response.text
            if response.status_code == 200:
                assert stub.upstream.bodies[-1]["messages"][0]["content"] == "half \ufffd pair"
