"""The pairwise judge as a Swiss tournament: who meets whom, and what the results come to."""

from __future__ import annotations

import itertools
import random
from collections import Counter
from typing import Any

import pytest
from starlette.responses import Response

from bestofn.core.errors import ConfigError
from bestofn.rewards.judge.open import open_judge
from bestofn.rewards.judge.pairwise import PairResult
from bestofn.rewards.judge.strengths import expected_wins
from bestofn.rewards.judge.swiss import next_pairs
from bestofn.settings.judge import JudgeSettings
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


def longer(answers: dict[str, str]) -> str:
    a, b = len(answers["answer A"]), len(answers["answer B"])
    return verdict(better="tie" if a == b else "A" if a > b else "B")


def texts(count: int) -> list[str]:
    """Of growing length, not in order."""
    lengths = random.Random(1).sample(range(1, count + 1), count)
    return ["x" * length for length in lengths]


def tournament(count: int, seed: int = 0) -> list[PairResult]:
    """Three rounds, won by the higher place."""
    lots = random.Random(seed).sample(range(count), count)
    results: list[PairResult] = []
    for _ in range(3):
        pairs = next_pairs(count, lots, results)
        results += [PairResult(pair, float(pair[0] > pair[1]), 1) for pair in pairs]
    return results


@pytest.mark.parametrize("count", [2, 3, 4, 5, 6, 7, 8, 9, 16, 17, 64])
def test_each_meets_two_others_at_least_and_none_twice(count: int) -> None:
    for seed in range(20):
        pairs = [each.pair for each in tournament(count, seed)]
        assert len({frozenset(pair) for pair in pairs}) == len(pairs)
        met = Counter(itertools.chain.from_iterable(pairs))
        assert min(met[place] for place in range(count)) >= min(2, count - 1)
        assert 2 * len(pairs) <= 3 * count, "questions, each pair in both orders"


def test_the_winners_meet_the_winners() -> None:
    results = tournament(8)
    first = {max(each.pair) for each in results[:4]}
    for each in results[4:8]:
        assert len(first & set(each.pair)) != 1


@pytest.mark.parametrize(("count", "unbeaten"), [(5, 1), (8, 1), (16, 2)])
async def test_a_tournament_asks_three_questions_an_answer_and_finds_the_best(
    count: int, unbeaten: int
) -> None:
    given = texts(count)
    async with judging(saying(longer), mode="pairwise", schedule="swiss") as (judge, stub):
        scores = await judge.score(REQUEST, candidates(given))
    assert len(stub.bodies) == 2 * 3 * (count // 2)
    rewards = [reward or 0.0 for reward in rewards_of(scores)]
    best = rewards[max(range(count), key=lambda at: len(given[at]))]
    assert best in sorted(rewards)[-unbeaten:]
    assert rewards[min(range(count), key=lambda at: len(given[at]))] < count / 2
    assert sum(score.tokens for score in scores) == TOKENS * len(stub.bodies)
    assert all(0 <= reward <= count - 1 for reward in rewards)


async def test_each_pair_is_asked_in_both_orders() -> None:
    given = texts(8)
    async with judging(saying(longer), mode="pairwise", schedule="swiss") as (judge, stub):
        await judge.score(REQUEST, candidates(given))
    seen = Counter(tuple(answers_in(body).values()) for body in stub.bodies)
    assert set(seen.values()) == {1}
    assert all(pair[::-1] in seen for pair in seen)


async def test_a_judge_that_looks_at_the_position_alone_sets_nobody_apart() -> None:
    always = saying(lambda answers: verdict(better="A"))
    async with judging(always, mode="pairwise", schedule="swiss") as (judge, _):
        scores = await judge.score(REQUEST, candidates(texts(6)))
    assert rewards_of(scores) == pytest.approx([2.5] * 6)


async def test_what_cannot_be_read_is_missing_and_no_zero() -> None:
    def script(body: dict[str, Any]) -> Response:
        answers = answers_in(body)
        return reply("Hm.") if "odd" in answers.values() else reply(longer(answers))

    async with judging(script, mode="pairwise", schedule="swiss") as (judge, _):
        scores = await judge.score(REQUEST, candidates(["x", "odd", "xxxx", "xxxxx", "xx"]))
    assert reasons_of(scores[1:2]) == ["judge_unparsable"]
    assert all(score.reward is not None for at, score in enumerate(scores) if at != 1)


async def test_one_alone_is_ranked_without_a_question() -> None:
    async with judging(saying(longer), mode="pairwise", schedule="swiss") as (judge, stub):
        (score,) = await judge.score(REQUEST, candidates(["x"]))
    assert (score.reward, stub.bodies) == (0, [])


def test_strengths_follow_who_was_beaten() -> None:
    """Both lost twice and won once; the first one lost to the best two."""
    results = [(0, 1, 1.0), (0, 2, 1.0), (1, 2, 1.0), (1, 3, 1.0), (0, 4, 1.0), (2, 5, 1.0)]
    results += [(3, 4, 1.0), (3, 5, 0.0), (4, 5, 0.5)]
    wins = expected_wins(6, results)
    assert wins[0] == max(wins)
    assert wins[2] > wins[3]
    assert sum(wins) == pytest.approx(15), "every two share one win"


def test_strengths_of_one_comparison_by_hand() -> None:
    """The winner's strength p and the loser's 1 / p are where expected points are the points:
    p / (p + 1) against the average answer and p^2 / (p^2 + 1) against the other sum to 1.5."""
    low, high = 1.0, 10.0
    for _ in range(60):
        p = (low + high) / 2
        low, high = (p, high) if p / (p + 1) + p**2 / (p**2 + 1) < 1.5 else (low, p)
    expected = p**2 / (p**2 + 1)
    assert expected_wins(2, [(0, 1, 1.0)]) == pytest.approx([expected, 1 - expected], abs=1e-6)


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"mode": "listwise", "schedule": "swiss"}, "schedule is for a pairwise judge"),
        ({"mode": "pairwise", "schedule": "swiss", "all_pairs_up_to": 4}, "for the schedule all"),
        ({"url": "self", "api_key": "x"}, "its url is self"),
        ({"url": "self"}, "needs the generator"),
    ],
)
async def test_options_that_contradict_each_other_are_refused(
    options: dict[str, Any], error: str
) -> None:
    settings = JudgeSettings(**{"url": "http://localhost:1", **options})
    with pytest.raises(ConfigError, match=error):
        async with open_judge(settings):
            pass
