"""The pairwise judge over a stub on a real socket."""

from __future__ import annotations

import collections
import itertools
import math
import random
from typing import Any

import pytest
from starlette.responses import Response

from bestofn.core.no_winner import RewardError
from bestofn.core.protocols import Comparing
from bestofn.rewards.judge.pair_schedule import schedule_pairs
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


def longer(answers: dict[str, str]) -> str:
    a, b = len(answers["answer A"]), len(answers["answer B"])
    return verdict(better="tie" if a == b else "A" if a > b else "B")


async def test_every_pair_is_judged_in_both_orders() -> None:
    async with judging(saying(longer), mode="pairwise") as (judge, stub):
        assert isinstance(judge, Comparing)
        assert judge.compares
        scores = await judge.score(REQUEST, candidates(TEXTS))
    assert rewards_of(scores) == [1, 0, 3, 2]
    seen = sorted(tuple(answers_in(body).values()) for body in stub.bodies)
    assert seen == sorted(itertools.permutations(TEXTS, 2))
    assert [score.tokens for score in scores] == [3 * TOKENS] * 4


async def test_a_preference_for_a_position_is_a_draw() -> None:
    async with judging(saying(lambda a: verdict(better="A")), mode="pairwise") as (judge, _):
        scores = await judge.score(REQUEST, candidates(TEXTS))
    assert rewards_of(scores) == [1.5] * 4


async def test_ties_count_half_and_so_does_a_tie_in_one_order() -> None:
    def once(answers: dict[str, str]) -> str:
        return verdict(better="tie" if answers["answer A"] == "a" else "B")

    async with judging(saying(longer), mode="pairwise") as (judge, _):
        assert rewards_of(await judge.score(REQUEST, candidates(["aa", "bb", "c"]))) == [
            1.5,
            1.5,
            0,
        ]
    async with judging(saying(once), mode="pairwise") as (judge, _):
        assert rewards_of(await judge.score(REQUEST, candidates(["a", "b"]))) == [0.5, 0.5]


async def test_a_pair_needs_both_orders() -> None:
    """What is read in one order alone is not counted: it may be the position that spoke."""

    def script(body: dict[str, Any]) -> Response:
        answers = answers_in(body)
        unclear = answers["answer A"] == "bb" and answers["answer B"] == "dddd"
        return reply("Both are fine.") if unclear else reply(longer(answers))

    async with judging(script, mode="pairwise") as (judge, _):
        scores = await judge.score(REQUEST, candidates(TEXTS))
    # bb: 1 of 2; dddd: 2 of 2, each of 3 others
    assert rewards_of(scores) == [1.5, 0, 3, 2]


async def test_a_candidate_without_a_readable_pair_fails() -> None:
    def script(body: dict[str, Any]) -> Response:
        answers = answers_in(body)
        return reply("What?") if "odd" in answers.values() else reply(longer(answers))

    async with judging(script, mode="pairwise") as (judge, _):
        scores = await judge.score(REQUEST, candidates(["aa", "odd", "b"]))
        lone = await judge.score(REQUEST, candidates(["aa", "odd"]))
    assert rewards_of(scores) == [2, None, 0]
    assert reasons_of(scores[1:2]) == ["judge_unparsable"]
    assert scores[1].tokens == 2 * TOKENS
    assert reasons_of(lone) == ["judge_unparsable"] * 2


async def test_one_alone_is_ranked_without_a_question() -> None:
    async with judging(saying(longer), mode="pairwise") as (judge, stub):
        (score,) = await judge.score(REQUEST, candidates(["x"]))
    assert (score.reward, stub.bodies) == (0, [])


async def test_a_server_that_fails_fails_the_call() -> None:
    async with judging(lambda body: failure(501, "on fire"), mode="pairwise") as (judge, _):
        with pytest.raises(RewardError, match="answers 501"):
            await judge.score(REQUEST, candidates(TEXTS))


@pytest.mark.parametrize("count", [2, 8])
def test_few_answers_all_meet(count: int) -> None:
    assert schedule_pairs(count, random.Random(0), all_up_to=8) == list(
        itertools.combinations(range(count), 2)
    )


@pytest.mark.parametrize("count", [3, 4, 9, 10, 16, 17, 64])
def test_many_answers_meet_equally_often(count: int) -> None:
    pairs = schedule_pairs(count, random.Random(0), all_up_to=2)
    distinct = {frozenset(pair) for pair in pairs}
    assert len(distinct) == len(pairs) <= count * math.ceil(math.log2(count))
    assert all(len(pair) == 2 for pair in distinct)
    met = collections.Counter(place for pair in pairs for place in pair)
    assert sorted(met) == list(range(count))
    assert len(set(met.values())) == 1
    assert pairs == schedule_pairs(count, random.Random(0), all_up_to=2)
    if count > 9:
        assert pairs != schedule_pairs(count, random.Random(1), all_up_to=2)


async def test_a_budget_of_pairs() -> None:
    texts = ["x" * length for length in range(1, 13)]
    async with judging(saying(longer), mode="pairwise") as (judge, stub):
        scores = await judge.score(REQUEST, candidates(texts))
    assert len(stub.bodies) == 2 * 12 * 4
    rewards = [score.reward or 0.0 for score in scores]
    assert rewards[0] == 0
    assert rewards[-1] == 11


def test_two_answers_meet_whatever_the_limit() -> None:
    assert schedule_pairs(2, random.Random(0), all_up_to=1) == [(0, 1)]
