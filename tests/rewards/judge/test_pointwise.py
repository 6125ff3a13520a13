"""The pointwise judge over a stub on a real socket."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from starlette.responses import Response

from bestofn.core.no_winner import RewardError
from bestofn.core.protocols import Comparing
from bestofn.core.types import Candidate, Request
from tests.support.rewards.judges import (
    REQUEST,
    TOKENS,
    answers_in,
    candidates,
    judging,
    prompt_of,
    reasons_of,
    reply,
    rewards_of,
    saying,
    verdict,
)
from tests.support.upstream import failure

POINTS = {"good": 9, "fair": 5, "bad": 1}


async def test_each_answer_gets_its_own_score() -> None:
    async with judging(saying(lambda a: verdict(score=POINTS[a["answer"]]))) as (judge, stub):
        assert not isinstance(judge, Comparing)
        scores = await judge.score(REQUEST, candidates(["bad", "good", "fair"]))
        assert rewards_of(scores) == [1, 9, 5]
        assert [score.tokens for score in scores] == [TOKENS] * 3
        assert [dict(score.components) for score in scores] == [{}] * 3
        assert await judge.score(REQUEST, []) == []
    for body in stub.bodies:
        assert (body["model"], body["temperature"], body["max_completion_tokens"]) == (
            "stub",
            0,
            1024,
        )
        assert "seed" not in body
        schema = body["response_format"]["json_schema"]["schema"]
        assert list(schema["properties"]) == ["reasoning", "score"]
        assert schema["properties"]["score"] == {"type": "integer", "minimum": 1, "maximum": 10}


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (reply("It is good."), "gives no score"),
        (reply(verdict(score=11)), "not from 1 to 10"),
        (reply(None), "gives no score"),
        (reply(verdict(score=9), finish_reason="length"), "max_tokens"),
        (reply(verdict(score=9), finish_reason="content_filter"), "content_filter"),
    ],
)
async def test_an_unreadable_verdict_is_a_failure(answer: Response, why: str) -> None:
    async with judging(lambda body: answer) as (judge, _):
        scores = await judge.score(REQUEST, candidates(["good"]))
    assert reasons_of(scores) == ["judge_unparsable"]
    assert scores[0].failure is not None
    assert why in scores[0].failure.detail
    assert scores[0].tokens == TOKENS


async def test_votes_are_averaged_and_unreadable_ones_left_out() -> None:
    said = {0: verdict(score=4), 1: "nothing", 2: verdict(score=9)}

    def script(body: dict[str, Any]) -> Response:
        seeds.setdefault(body["seed"], None)
        return reply(said[body["seed"] - min(seeds)])

    seeds: dict[int, None] = {}
    async with judging(script, samples=3, temperature=0.7) as (judge, stub):
        seeds[await _base_seed(judge, stub)] = None
        (score,) = await judge.score(REQUEST, candidates(["good"]))
        (again,) = await judge.score(REQUEST, candidates(["good"]))
    assert score.reward == again.reward == 6.5
    assert dict(score.components) == {"vote_1": 4, "vote_3": 9}
    assert score.tokens == 3 * TOKENS


async def _base_seed(judge: Any, stub: Any) -> int:
    """The first vote's seed for `REQUEST`, as the judge sends it."""
    script, stub.script = stub.script, lambda body: reply("nothing")
    (score,) = await judge.score(REQUEST, candidates(["good"]))
    assert reasons_of([score]) == ["judge_unparsable"]
    stub.script = script
    return min(int(body["seed"]) for body in stub.bodies)


async def test_a_scale_and_a_reply_in_plain_text() -> None:
    async with judging(lambda body: reply("Fine.\nScore: 0"), scale=(-1, 1)) as (judge, stub):
        assert rewards_of(await judge.score(REQUEST, candidates(["x"]))) == [0]
    assert "from -1 (useless) to 1" in prompt_of(stub.bodies[0])


async def test_a_server_that_refuses_the_format_is_asked_without() -> None:
    def script(body: dict[str, Any]) -> Response:
        return failure(400, "no") if "response_format" in body else reply("Score: 3")

    async with judging(script) as (judge, stub):
        assert rewards_of(await judge.score(REQUEST, candidates(["x"]))) == [3]
        assert rewards_of(await judge.score(REQUEST, candidates(["x"]))) == [3]
    assert ["response_format" in body for body in stub.bodies] == [True, False, False]


async def test_a_refusal_that_is_not_about_the_format() -> None:
    def script(body: dict[str, Any]) -> Response:
        long = answers_in(body)["answer"] == "long"
        return failure(400, "too long") if long else reply("Score: 3")

    async with judging(script) as (judge, stub):
        first = await judge.score(REQUEST, candidates(["long"]))
        second = await judge.score(REQUEST, candidates(["x"]))
        third = await judge.score(REQUEST, candidates(["long"]))
    assert reasons_of([*first, *third]) == ["judge_refused", "judge_refused"]
    assert first[0].failure is not None
    assert (
        first[0].failure.detail
        == "the judge refuses the request (status 400): it is longer than its model's context"
    )
    assert rewards_of(second) == [3]
    assert ["response_format" in body for body in stub.bodies] == [True, False, True, True]


async def test_the_format_can_be_left_out() -> None:
    async with judging(lambda body: reply("Score: 3"), structured=False) as (judge, stub):
        await judge.score(REQUEST, candidates(["x"]))
    assert "response_format" not in stub.bodies[0]


async def test_a_server_that_fails_for_one_and_for_all() -> None:
    def script(body: dict[str, Any]) -> Response:
        broken = answers_in(body)["answer"] == "broken"
        return failure(501, "on fire") if broken else reply("Score: 3")

    async with judging(script) as (judge, _):
        some = await judge.score(REQUEST, candidates(["broken", "x"]))
        assert some[0].failure is not None
        assert some[0].failure.reason == "judge_error"
        assert some[1].reward == 3
        with pytest.raises(RewardError, match="the judge answers 501"):
            await judge.score(REQUEST, candidates(["broken"]))


async def test_what_is_no_completion_is_the_servers_fault() -> None:
    async with judging(lambda body: Response("hello")) as (judge, _):
        with pytest.raises(RewardError, match="the judge's answer is no completion"):
            await judge.score(REQUEST, candidates(["x"]))


async def test_what_cannot_be_shown_fails_without_a_question() -> None:
    image = [{"type": "image_url", "image_url": {"url": "x"}}]
    pictured = Candidate(0, {"role": "assistant", "content": image}, "stop")
    halved = Candidate(1, {"role": "assistant", "content": "half \ud83d"}, "stop")
    asked = Request(({"role": "user", "content": [{"type": "input_audio"}]},))
    async with judging(lambda body: reply("Score: 3")) as (judge, stub):
        scores = await judge.score(REQUEST, [pictured, halved])
        scores += await judge.score(asked, candidates(["x"]))
    assert reasons_of(scores) == ["message_not_rendered"] * 3
    assert stub.bodies == []


async def test_questions_in_flight_are_bounded() -> None:
    async def script(body: dict[str, Any]) -> Response:
        await asyncio.sleep(0.01)
        return reply("Score: 3")

    async with judging(script, concurrency=2) as (judge, stub):
        await judge.score(REQUEST, candidates([str(i) for i in range(8)]))
    assert stub.most == 2
