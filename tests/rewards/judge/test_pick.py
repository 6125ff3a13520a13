"""The judge that picks the best of all answers, over a stub on a real socket."""

from __future__ import annotations

from typing import Any

import pytest
from starlette.responses import Response

from bestofn.rewards.judge.parsing import parse_pick
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

TEXTS = ["bb", "a", "dddd", "ccc"]


def longest(answers: dict[str, str]) -> str:
    lengths = [len(each) for each in answers.values()]
    return verdict(best=lengths.index(max(lengths)) + 1)


async def test_the_reward_is_how_often_it_was_picked() -> None:
    async with judging(saying(longest), mode="pick") as (judge, stub):
        scores = await judge.score(REQUEST, candidates(TEXTS))
    assert rewards_of(scores) == [0, 0, 1, 0]
    assert len(stub.bodies) == 2
    first, second = ([*answers_in(body).values()] for body in stub.bodies)
    assert first[::-1] == second
    assert sum(score.tokens for score in scores) == 2 * TOKENS


async def test_a_preference_for_a_position_is_shared_by_both_ends() -> None:
    async with judging(saying(lambda answers: verdict(best=1)), mode="pick") as (judge, _):
        scores = await judge.score(REQUEST, candidates(TEXTS))
    assert sorted(reward or 0.0 for reward in rewards_of(scores)) == [0, 0, 0.5, 0.5]


async def test_orders_that_cannot_be_read_do_not_count() -> None:
    seen: list[Any] = []

    def script(body: dict[str, Any]) -> Response:
        seen.append(body)
        answers = answers_in(body)
        return reply("all of them") if len(seen) == 1 else reply(longest(answers))

    async with judging(script, mode="pick", permutations=3) as (judge, _):
        assert rewards_of(await judge.score(REQUEST, candidates(TEXTS))) == [0, 0, 1, 0]


async def test_where_nothing_can_be_read_judgements_are_missing() -> None:
    async with judging(saying(lambda answers: "none"), mode="pick") as (judge, _):
        scores = await judge.score(REQUEST, candidates(TEXTS))
    assert reasons_of(scores) == ["judge_unparsable"] * 4


@pytest.mark.parametrize(
    ("text", "place"),
    [('{"best": 2}', 1), ("It is clear.\nBest: [[3]]", 2), ("**Best**: answer 1.", 0)],
)
def test_picks_that_can_be_read(text: str, place: int) -> None:
    assert parse_pick(text, 3) == place


@pytest.mark.parametrize(
    "text", ['{"best": 4}', '{"best": 0}', '{"best": true}', "Best: 1.5", "best: 2 or 3", "2", ""]
)
def test_picks_that_cannot_be_read(text: str) -> None:
    with pytest.raises(ValueError, match=r"best|gives no"):
        parse_pick(text, 3)
