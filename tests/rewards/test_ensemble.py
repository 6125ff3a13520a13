"""Ensembles: what several reward models make together, by hand and by property."""

from __future__ import annotations

import asyncio
import dataclasses
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bestofn import embedded
from bestofn.builders.reward_plan import RewardPlan
from bestofn.builders.rewards import open_reward_model
from bestofn.core.best_of_n import best_of_n
from bestofn.core.errors import ConfigError
from bestofn.core.no_winner import RewardError
from bestofn.core.types import Candidate, Failure, Request, Score
from bestofn.rewards.ensemble import EnsembleRewardModel, Member
from bestofn.settings.settings import Settings
from bestofn.testing import FakeRewardModel
from tests.support.scripts import pipeline_of

REQUEST = Request.from_prompt("x")
TEXTS = ["a", "b", "c", "d"]
FIRST = dict(zip(TEXTS, [1.0, 2.0, 4.0, 4.0], strict=True))
SECOND = dict(zip(TEXTS, [30.0, 10.0, 20.0, 40.0], strict=True))
RAW = np.array([[*FIRST.values()], [*SECOND.values()]])
Z = (RAW - RAW.mean(1, keepdims=True)) / RAW.std(1, keepdims=True)
RANKS = np.array([[0, 1 / 3, 5 / 6, 5 / 6], [2 / 3, 0, 1 / 3, 1]])


def _candidates(texts: list[str]) -> list[Candidate]:
    return [Candidate(i, {"role": "assistant", "content": t}, "stop") for i, t in enumerate(texts)]


def _two(first: Any = FIRST, second: Any = SECOND, **options: Any) -> EnsembleRewardModel:
    members = [
        Member("first", FakeRewardModel(first), options.pop("weight", 1.0)),
        Member("second", FakeRewardModel(second)),
    ]
    return EnsembleRewardModel(members, **options)


async def _rewards(ensemble: EnsembleRewardModel, texts: list[str] = TEXTS) -> list[Any]:
    return [score.reward for score in await ensemble.score(REQUEST, _candidates(texts))]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"normalise": "none"}, RAW.mean(0)),
        ({"normalise": "none", "weight": 3}, (3 * RAW[0] + RAW[1]) / 4),
        ({"normalise": "none", "combine": "worst"}, RAW.min(0)),
        ({}, Z.mean(0)),
        ({"combine": "worst"}, Z.min(0)),
        ({"combine": "mean_minus_std"}, Z.mean(0) - Z.std(0)),
        ({"combine": "mean_minus_std", "penalty": 0.5}, Z.mean(0) - Z.std(0) / 2),
        (
            {"combine": "mean_minus_std", "weight": 3},
            (3 * Z[0] + Z[1]) / 4 - math.sqrt(3) / 4 * abs(Z[0] - Z[1]),
        ),
        ({"normalise": "rank"}, RANKS.mean(0)),
        ({"normalise": "rank", "combine": "worst"}, RANKS.min(0)),
    ],
)
async def test_rewards_are_combined(options: dict[str, Any], expected: Any) -> None:
    assert await _rewards(_two(**options)) == pytest.approx(expected.tolist())


async def test_every_members_raw_reward_and_parts_are_in_the_result() -> None:
    parted = Score(2.0, tokens=5, components={"safe": 1.5}, cut=3)
    ensemble = _two({"a": parted}, {"a": Score(7.0, tokens=2, cut=1)}, normalise="none")
    (score,) = await ensemble.score(REQUEST, _candidates(["a"]))
    assert score.components == {"first": 2.0, "first.safe": 1.5, "second": 7.0}
    assert (score.reward, score.tokens, score.cut) == (4.5, 7, 3)


async def test_a_failure_names_its_member_and_leaves_the_others_as_they_would_be() -> None:
    failing = SECOND | {"b": Failure("too_long", "too many tokens")}
    scores = await _two(FIRST, failing).score(REQUEST, _candidates(TEXTS))
    assert scores[1].reward is None
    assert scores[1].failure == Failure("too_long", "second: too many tokens")
    assert scores[1].components == {"first": 2.0}
    kept = [scores[i].reward for i in (0, 2, 3)]
    assert kept == pytest.approx(await _rewards(_two(), ["a", "c", "d"]))


async def test_a_reward_that_is_not_finite_is_a_failure() -> None:
    (score,) = await _two({"a": Score(math.nan)}, SECOND).score(REQUEST, _candidates(["a"]))
    assert score.failure is not None
    assert score.failure.reason == "reward_not_finite"
    assert score.components == {"second": 30.0}


@pytest.mark.parametrize("normalise", ["zscore", "rank", "none"])
async def test_one_candidate_and_equal_rewards_are_defined(normalise: Any) -> None:
    expected = {"zscore": [0.0], "rank": [0.5], "none": [1.0]}[normalise]
    same = dict.fromkeys(TEXTS, 1.0)
    assert await _rewards(_two(same, same, normalise=normalise), ["a"]) == expected
    assert await _rewards(_two(same, same, normalise=normalise)) == expected * 4
    uneven = dict.fromkeys(TEXTS, 0.1 + 0.2)
    assert await _rewards(_two(uneven, uneven)) == [0.0] * 4


async def test_rewards_whose_squares_vanish_are_told_apart() -> None:
    small, alike = {"a": 0.0, "b": 1.5e-237}, {"a": 1.0, "b": 1.0}
    assert await _rewards(_two(small, alike), ["a", "b"]) == pytest.approx([-0.5, 0.5])


async def test_members_score_at_the_same_time() -> None:
    met = asyncio.Barrier(2)

    class Meeting:
        async def score(self, request: Request, candidates: Any) -> list[Score]:
            await asyncio.wait_for(met.wait(), 5)
            return [Score(1.0)] * len(candidates)

    members = [Member("first", Meeting()), Member("second", Meeting())]
    assert await _rewards(EnsembleRewardModel(members)) == [0.0] * 4


async def test_a_member_that_fails_whole_fails_the_ensemble_and_is_named() -> None:
    broken = FakeRewardModel({}, raises=RewardError("out of memory"))
    members = [Member("first", FakeRewardModel(FIRST)), Member("second", broken)]
    with pytest.raises(RewardError, match=r"^second: out of memory$"):
        await _rewards(EnsembleRewardModel(members))


async def test_what_a_member_raises_becomes_one_sentence() -> None:
    broken = FakeRewardModel({}, raises=ZeroDivisionError("by zero"))
    members = [Member("first", broken), Member("second", broken)]
    with pytest.raises(RewardError, match=r"^first: ZeroDivisionError: by zero$"):
        await _rewards(EnsembleRewardModel(members))


async def test_candidates_are_ranked_together() -> None:
    pipeline, _, _ = pipeline_of(TEXTS, None, filters=())
    pipeline = dataclasses.replace(pipeline, reward_model=_two())
    ranking = await best_of_n(Request.from_prompt("x", best_of=4), pipeline)
    assert [c.text for c in ranking.ranked] == ["d", "c", "a", "b"]
    assert ranking.winner is not None
    assert ranking.winner.components == {"first": 4.0, "second": 40.0}


def test_what_needs_the_others_says_so() -> None:
    assert _two().compares
    assert not _two(normalise="none").compares
    ranker = FakeRewardModel(FIRST, compares=True)
    members = [Member("first", ranker), Member("second", FakeRewardModel(SECOND))]
    assert EnsembleRewardModel(members, normalise="none").compares


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"penalty": 1.0}, "penalty is for mean_minus_std, and combine is mean"),
        ({"penalty": -1.0, "combine": "mean_minus_std"}, "penalty is -1.0"),
        ({"weight": 2.0, "combine": "worst"}, "weights have no effect"),
        ({"weight": 0.0}, "each must be above 0"),
        ({"weight": math.inf}, "each must be above 0"),
    ],
)
def test_a_mistake_gets_one_sentence(options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        _two(**options)


def test_names_are_unique_and_there_are_two() -> None:
    member = Member("first", FakeRewardModel(FIRST))
    with pytest.raises(ConfigError, match="two reward models or more, not 1"):
        EnsembleRewardModel([member])
    with pytest.raises(ConfigError, match="several reward models are called first"):
        EnsembleRewardModel([member, member])


numbers = st.floats(-100, 100, allow_nan=False)


@given(st.lists(st.tuples(numbers, numbers), min_size=1, max_size=8), st.randoms())
def test_the_order_of_candidates_changes_nothing(pairs: list[Any], drawn: Any) -> None:
    texts = [str(i) for i in range(len(pairs))]
    first, second = (dict(zip(texts, column, strict=True)) for column in zip(*pairs, strict=True))
    shuffled = drawn.sample(texts, len(texts))
    for normalise in ("zscore", "rank"):
        ensemble = _two(first, second, normalise=normalise, combine="mean_minus_std")
        found = asyncio.run(_rewards(ensemble, texts))
        again = asyncio.run(_rewards(ensemble, shuffled))
        by_text = dict(zip(shuffled, again, strict=True))
        assert [by_text[text] for text in texts] == pytest.approx(found, abs=1e-6)


@given(st.lists(st.integers(-50, 50), min_size=1, max_size=8), st.integers(1, 9), numbers)
def test_the_scale_of_a_member_changes_nothing(
    given_rewards: list[int], scale: int, shift: float
) -> None:
    texts = [str(i) for i in range(len(given_rewards))]
    first = dict(zip(texts, map(float, given_rewards), strict=True))
    moved = {text: scale * reward + shift for text, reward in first.items()}
    second = {text: float(i) for i, text in enumerate(texts)}
    found = asyncio.run(_rewards(_two(first, second), texts))
    assert asyncio.run(_rewards(_two(moved, second), texts)) == pytest.approx(found, abs=1e-6)


async def test_settings_open_several() -> None:
    folder = str(embedded.reward_path())
    answer = {"name": "bare", "model": folder, "template": "{{ response }}", "weight": 3}
    settings = Settings.load(rewards=[folder, answer], ensemble={"normalise": "none"})
    async with open_reward_model(RewardPlan.of(settings)) as reward_model:
        assert reward_model is not None
        scores = await reward_model.score(REQUEST, _candidates(["3", "4"]))
    for score in scores:
        assert [*score.components] == ["reward", "bare"]
        both = score.components["reward"] + 3 * score.components["bare"]
        assert score.reward == pytest.approx(both / 4)
