"""The listwise judge over a stub on a real socket."""

from __future__ import annotations

import random
from typing import Any

import pytest
from starlette.responses import Response

from bestofn.core.no_winner import RewardError
from bestofn.core.protocols import Comparing
from bestofn.core.types import Candidate, Request
from bestofn.rewards.judge.orders import draw_orders
from tests.support.rewards.judges import (
    REQUEST,
    TOKENS,
    answers_in,
    candidates,
    judging,
    reasons_of,
    reply,
    rewards_of,
    saying,
    verdict,
)
from tests.support.upstream import failure

TEXTS = ["bb", "a", "dddd", "ccc"]


def longest_first(answers: dict[str, str]) -> str:
    names = list(answers)
    ranked = sorted(names, key=lambda name: -len(answers[name]))
    return verdict(ranking=[names.index(name) + 1 for name in ranked])


def first_first(answers: dict[str, str]) -> str:
    """A judge who looks at nothing but the position."""
    return verdict(ranking=list(range(1, len(answers) + 1)))


async def test_the_reward_is_how_many_it_stands_before() -> None:
    async with judging(saying(longest_first), mode="listwise") as (judge, stub):
        assert isinstance(judge, Comparing)
        assert judge.compares
        scores = await judge.score(REQUEST, candidates(TEXTS))
    assert rewards_of(scores) == [1, 0, 3, 2]
    assert sum(score.tokens for score in scores) == 2 * TOKENS
    assert len(stub.bodies) == 2
    ranking = stub.bodies[0]["response_format"]["json_schema"]["schema"]["properties"]["ranking"]
    assert (ranking["minItems"], ranking["maxItems"], ranking["items"]["maximum"]) == (4, 4, 4)


async def test_a_preference_for_a_position_cancels_out() -> None:
    async with judging(saying(first_first), mode="listwise") as (judge, _):
        scores = await judge.score(REQUEST, candidates(TEXTS))
    assert rewards_of(scores) == [1.5] * 4


async def test_ranks_are_averaged_over_the_orders() -> None:
    async with judging(saying(first_first), mode="listwise", permutations=3) as (judge, stub):
        scores = await judge.score(REQUEST, candidates(TEXTS))
    orders = [list(answers_in(body).values()) for body in stub.bodies]
    expected = [sum(3 - order.index(text) for order in orders) / 3 for text in TEXTS]
    assert rewards_of(scores) == pytest.approx(expected)
    assert len(set(expected)) > 1


async def test_orders_repeat_and_do_not_follow_the_order_of_completion() -> None:
    def shown(stub: Any) -> list[list[str]]:
        return sorted(list(answers_in(body).values()) for body in stub.bodies)

    async with judging(saying(longest_first), mode="listwise") as (judge, first):
        await judge.score(REQUEST, candidates(TEXTS))
    async with judging(saying(longest_first), mode="listwise") as (judge, second):
        again = Request.from_prompt("What is 8 - 5?")
        scores = await judge.score(again, candidates(TEXTS)[::-1])
    assert rewards_of(scores) == [2, 3, 0, 1]
    assert shown(first) == shown(second)
    async with judging(saying(longest_first), mode="listwise") as (judge, other):
        for number in range(4):
            await judge.score(Request.from_prompt(f"QuestionTemplate {number}"), candidates(TEXTS))
    assert len({tuple(order) for order in shown(other)}) > 2


def test_every_second_order_is_the_one_before_backwards() -> None:
    one, two, three, four = draw_orders(9, 4, random.Random(0))
    assert one[::-1] == two
    assert three[::-1] == four
    assert sorted(one) == sorted(three) == list(range(9))
    assert list(range(9)) not in (one, two, three, four)
    assert one not in (three, four)


async def test_an_unreadable_reply_is_asked_for_once_more_in_another_order() -> None:
    def script(body: dict[str, Any]) -> Response:
        order = list(answers_in(body).values())
        first.append(order)
        bad = len(first) == 1
        return (
            reply(verdict(ranking=[1, 1, 2, 3])) if bad else reply(longest_first(answers_in(body)))
        )

    first: list[list[str]] = []
    async with judging(script, mode="listwise", permutations=1) as (judge, _):
        scores = await judge.score(REQUEST, candidates(TEXTS))
    assert rewards_of(scores) == [1, 0, 3, 2]
    assert len(first) == 2
    assert first[0] != first[1]
    assert sum(score.tokens for score in scores) == 2 * TOKENS


async def test_what_can_never_be_read_fails_all() -> None:
    async with judging(lambda body: reply("All are fine."), mode="listwise") as (judge, stub):
        scores = await judge.score(REQUEST, candidates(TEXTS))
    assert reasons_of(scores) == ["judge_unparsable"] * 4
    assert len(stub.bodies) == 4
    assert sum(score.tokens for score in scores) == 4 * TOKENS


async def test_one_readable_order_is_enough() -> None:
    def script(body: dict[str, Any]) -> Response:
        answers = answers_in(body)
        front = list(answers.values()).index("a") < 2
        return reply(longest_first(answers)) if front else failure(400, "no")

    async with judging(script, mode="listwise", structured=False) as (judge, stub):
        scores = await judge.score(REQUEST, candidates(TEXTS))
    assert rewards_of(scores) == [1, 0, 3, 2]
    assert len(stub.bodies) == 2  # what a server refuses it would refuse again


async def test_one_alone_is_ranked_without_a_question() -> None:
    image = Candidate(9, {"role": "assistant", "content": [{"type": "image_url"}]}, "stop")
    async with judging(saying(longest_first), mode="listwise") as (judge, stub):
        (score,) = await judge.score(REQUEST, candidates(["x"]))
        assert (score.reward, score.tokens) == (0, 0)
        with_image = await judge.score(REQUEST, [image, *candidates(["x"])])
        assert await judge.score(REQUEST, []) == []
    assert rewards_of(with_image) == [None, 0]
    assert reasons_of(with_image[:1]) == ["message_not_rendered"]
    assert stub.bodies == []


async def test_a_server_that_fails_fails_the_call() -> None:
    async with judging(lambda body: failure(501, "on fire"), mode="listwise") as (judge, _):
        with pytest.raises(RewardError, match="answers 501"):
            await judge.score(REQUEST, candidates(TEXTS))
