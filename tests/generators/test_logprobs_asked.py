"""Logprobs that rules read: asked of an upstream once, left out of the answer, done without."""

from __future__ import annotations

from typing import Any

import pytest
from starlette.responses import JSONResponse, Response

from bestofn.builders.choosing import build_selector
from bestofn.control.policy import Policy
from bestofn.core.best_of_n import best_of_n
from bestofn.core.pipeline import Pipeline
from bestofn.core.ranking import ChosenBy, Ranking
from bestofn.core.types import Request
from bestofn.generators.openai import openai_generator
from bestofn.openai_api.logprobs import token_logprobs
from bestofn.settings.sections import SelectorSettings
from tests.support.streamed import Serve
from tests.support.upstream import Script, completion, failure

pytestmark = pytest.mark.model

LONG = "Rivers shape the land in many ways, and over a long time. " * 4


def _with_logprobs(body: dict[str, Any]) -> Response:
    """Choice i of n, whose tokens have the logprob -i; where they are asked for."""
    choices = []
    for at in range(body.get("n", 1)):
        message = {"role": "assistant", "content": f"{LONG}{at}{'abcdefgh'[at] * 300}."}
        content = [{"token": "x", "logprob": -float(at), "bytes": None, "top_logprobs": []}] * 2
        given = {"content": content} if body.get("logprobs") else None
        choices.append({"message": message, "finish_reason": "stop", "logprobs": given})
    return JSONResponse({"choices": choices, "usage": {"prompt_tokens": 3}})


async def _ranked(url: str, *requests: Request, selector: str = "auto") -> list[Ranking]:
    async with openai_generator(url) as generator:
        chooser = build_selector(SelectorSettings(name=selector))
        pipeline = Pipeline(generator, chooser, (), None, Policy("error"))
        return [await best_of_n(request, pipeline) for request in requests]


def _four(**fields: Any) -> Request:
    return Request.from_prompt("x", best_of=4, **fields)


async def test_they_choose_and_are_not_in_the_answer(serve: Serve) -> None:
    upstream = serve(_with_logprobs)
    (ranking,) = await _ranked(upstream.url, _four(), selector="confidence")
    assert upstream.bodies[0]["logprobs"] is True
    assert [c.index for c in ranking.ranked] == [0, 1, 2, 3]
    assert [c.candidate.mean_logprob for c in ranking.ranked] == [0.0, -1.0, -2.0, -3.0]
    assert {c.candidate.token_logprobs for c in ranking.ranked[1:2]} == {(-1.0, -1.0)}
    assert {c.candidate.logprobs for c in ranking.ranked} == {None}


async def test_a_client_that_asks_for_them_gets_them(serve: Serve) -> None:
    upstream = serve(_with_logprobs)
    asked = _four(options={"logprobs": True, "top_logprobs": 2})
    (ranking,) = await _ranked(upstream.url, asked)
    assert (upstream.bodies[0]["logprobs"], upstream.bodies[0]["top_logprobs"]) == (True, 2)
    assert all(c.candidate.logprobs is not None for c in ranking.candidates)
    assert ranking.chosen_by == ChosenBy("consensus", None, "mean_logprob")


async def test_a_client_that_says_no_is_not_shown_them(serve: Serve) -> None:
    upstream = serve(_with_logprobs)
    (ranking,) = await _ranked(upstream.url, _four(options={"logprobs": False}))
    assert upstream.bodies[0]["logprobs"] is True
    assert {c.candidate.logprobs for c in ranking.candidates} == {None}
    assert all(c.candidate.mean_logprob is not None for c in ranking.candidates)


def _refuses(body: dict[str, Any]) -> Response:
    if body.get("logprobs"):
        return failure(400, "logprobs is not supported")
    return completion(*[LONG] * body.get("n", 1))


def _ignores(body: dict[str, Any]) -> Response:
    return completion(*[LONG] * body.get("n", 1))


@pytest.mark.parametrize(("script", "calls"), [(_refuses, 2), (_ignores, 1)])
async def test_a_server_without_them_is_found_out_once_and_rules_do_without(
    serve: Serve, script: Script, calls: int
) -> None:
    upstream = serve(script)
    rankings = await _ranked(upstream.url, _four(), _four(), _four(seed=1))
    assert [bool(body.get("logprobs")) for body in upstream.bodies] == [
        True,
        *[False] * (calls - 1),
        *[False] * 5,
    ]
    for ranking in rankings:
        assert ranking.chosen_by == ChosenBy("consensus", None, None)
        assert len(ranking.ranked) == 4


async def test_a_server_that_has_neither_n_nor_logprobs_answers_all_the_same(serve: Serve) -> None:
    def poor(body: dict[str, Any]) -> Response:
        refused = body.get("logprobs") or body.get("n", 1) > 1
        return failure(400, "no such field") if refused else completion(LONG)

    upstream = serve(poor)
    first, second = await _ranked(upstream.url, _four(), _four())
    assert len(first.ranked) == len(second.ranked) == 4
    asked = [(body.get("n"), body.get("logprobs")) for body in upstream.bodies[-4:]]
    assert asked == [(None, None)] * 4


async def test_an_answer_without_text_does_not_tell_that_there_are_none(serve: Serve) -> None:
    answers = iter([completion("", "")])
    upstream = serve(lambda body: next(answers, None) or _with_logprobs(body))
    request = Request.from_prompt("x", best_of=2)
    _, second = await _ranked(upstream.url, request, request)
    assert [body["logprobs"] for body in upstream.bodies] == [True, True]
    assert all(c.candidate.mean_logprob is not None for c in second.candidates)


async def test_what_is_refused_for_another_reason_is_the_servers_sentence(serve: Serve) -> None:
    upstream = serve(lambda body: failure(400, "the prompt is too long"))
    with pytest.raises(Exception, match="longer than its model's context"):
        await _ranked(upstream.url, _four())


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (None, None),
        ({"content": None}, None),
        ({"content": []}, None),
        ({"content": [{"logprob": -1}, {"logprob": None}, {}, "odd"]}, (-1.0,)),
        ({"content": [{"logprob": -9999.0}]}, None),
        ({"tokens": ["a", "b"], "token_logprobs": [None, -0.5]}, (-0.5,)),
        ({"content": "odd"}, None),
        ({"token_logprobs": [float("nan"), float("-inf")]}, None),
    ],
)  # fmt: skip
def test_both_forms_are_read_and_what_is_odd_is_unknown(given: Any, expected: Any) -> None:
    assert token_logprobs(given) == expected
