"""The selector by default: which rule it takes, that it says so, and what it costs."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass
from typing import Any

import pytest

from bestofn.answers.auto import AutoKey
from bestofn.builders.choosing import build_selector
from bestofn.control.policy import Policy
from bestofn.core.best_of_n import best_of_n
from bestofn.core.pipeline import Pipeline
from bestofn.core.protocols import RewardModel
from bestofn.core.ranking import ChosenBy
from bestofn.core.types import Candidate, Request
from bestofn.selection.argmax import ArgmaxSelector
from bestofn.selection.auto import AutoSelector
from bestofn.selection.confidence import ConfidenceSelector
from bestofn.settings.sections import SelectorSettings
from bestofn.testing import FakeGenerator, FakeRewardModel
from tests.support.voters import REQUEST, WholeText, chosen, voter, voters

LONG = [f"{word} and so on, for quite a while. " * 8 for word in ("One", "Two", "Two", "Six")]


async def test_answers_and_rewards_are_a_weighted_vote() -> None:
    given = voters("It is 4.", "It is 5.", "5", "6", rewards=[2.1, 2.0, 1.9, 0.0])
    selection = await chosen(AutoSelector(AutoKey()), given)
    assert selection.order[0] == 1
    assert selection.chosen_by == ChosenBy("weighted_vote", "text", "reward")
    assert selection.keys == {0: "4", 1: "5", 2: "5", 3: "6"}


async def test_rewards_without_answers_are_argmax() -> None:
    given = voters(*LONG, rewards=[1.0, 0.0, 0.5, 3.0])
    selection = await chosen(AutoSelector(AutoKey()), given)
    assert selection.order == (3, 0, 2, 1)
    assert selection.chosen_by == ChosenBy("argmax", None, "reward")
    spread = math.sqrt(2.5625 - 1.125**2)  # the mean of the squares, less that of the mean
    weights = [math.exp(reward / spread) for reward in (1.0, 0.0, 0.5, 3.0)]
    assert selection.confidence == pytest.approx(weights[3] / sum(weights))


async def test_copies_of_the_best_make_it_surer_and_a_missing_reward_is_last() -> None:
    given = voters(*LONG, rewards=[1.0, 3.0, 0.5, None])
    selection = await chosen(AutoSelector(AutoKey()), given)
    assert selection.order == (1, 0, 2, 3)
    assert selection.confidence is not None
    assert selection.values == {0: 1.0, 1: 3.0, 2: 0.5}


async def test_neither_answers_nor_rewards_are_consensus_by_logprob() -> None:
    selection = await chosen(AutoSelector(AutoKey()), voters(*LONG))
    assert selection.order[:2] == (1, 2)
    assert selection.chosen_by == ChosenBy("consensus", None, None)
    given = [voter(at, text, logprob=-float(at)) for at, text in enumerate(LONG)]
    by = (await chosen(AutoSelector(AutoKey()), given)).chosen_by
    assert by == ChosenBy("consensus", None, "mean_logprob")


async def test_a_vote_that_scatters_elects_nobody_where_nothing_scores() -> None:
    texts = ["aaaa: xyz", "bbbbcd", "bbbbce", "bbbbcf", "gggg"]
    selection = await chosen(AutoSelector(WholeText()), voters(*texts))
    assert selection.chosen_by == ChosenBy("consensus", None, None)
    assert selection.order[0] == 1
    assert selection.keys[0] == "aaaa"
    whatever = await chosen(AutoSelector(WholeText(), scattered=0.0), voters(*texts))
    assert whatever.order[0] == 0
    scored = await chosen(AutoSelector(WholeText()), voters(*texts, rewards=[1, 2, 3, 4, 5]))
    assert scored.chosen_by == ChosenBy("weighted_vote", "custom", "reward")
    agreed = await chosen(AutoSelector(WholeText()), voters("a", "a", "bbbb", "bbbc", "bbbd"))
    assert agreed.order[0] == 0  # two of five are more than a quarter


async def test_a_key_of_ones_own_is_voted_on_and_where_it_finds_nothing_others_decide() -> None:
    votes = voters("a", "b", "b")
    assert (await chosen(AutoSelector(WholeText()), votes)).order[0] == 1
    silent = voters("?aaa", "?bbb", "?bbc", rewards=[1.0, 2.0, 3.0])
    assert (await chosen(AutoSelector(WholeText()), silent)).order == (2, 1, 0)


def _pipeline(
    script: list[str], rewards: RewardModel | None = None, selector: str = "auto"
) -> tuple[Pipeline, FakeGenerator]:
    generator = FakeGenerator(script)
    chooser = build_selector(SelectorSettings(name=selector))
    return Pipeline(generator, chooser, (), rewards, Policy("error")), generator


async def test_without_a_reward_model_the_winner_is_chosen_and_said_how() -> None:
    pipeline, _ = _pipeline(["It is 7.", "It is 8.", "8", "So it is 8."])
    ranking = await best_of_n(Request.from_prompt("5 + 3?", best_of=4, n=2), pipeline)
    assert [c.answer_key for c in ranking.candidates] == ["8", "8", "8", "7"]
    assert [c.index for c in ranking.best] == [1, 2]
    assert ranking.confidence == 0.75
    assert ranking.chosen_by == ChosenBy("weighted_vote", "text", None)


@dataclass(frozen=True, slots=True)
class CountingKey:
    """Counts how often it is asked."""

    asked: list[int]

    def key(self, request: Request, candidate: Candidate) -> str | None:
        self.asked.append(candidate.index)
        return candidate.text


@pytest.mark.parametrize("fields", [{"best_of": 1}, {"best_of": 8, "temperature": 0.0}])
async def test_one_candidate_costs_neither_keys_nor_logprobs(fields: dict[str, Any]) -> None:
    key, generator = CountingKey([]), FakeGenerator(["a"])
    pipeline = Pipeline(generator, AutoSelector(key), (), None, Policy("error"))
    ranking = await best_of_n(Request.from_prompt("x", **fields), pipeline)
    assert (len(ranking.ranked), ranking.confidence, key.asked) == (1, None, [])
    assert [each.token_logprobs for each in generator.requests] == [False]


@pytest.mark.parametrize(
    ("selector", "scored", "asked"),
    [
        ("auto", False, True),
        ("auto", True, False),
        ("vote", False, True),
        ("consensus", True, False),
        ("confidence", True, True),
        ("argmax", True, False),
        ("argmax", False, False),
    ],
)
async def test_logprobs_are_asked_of_the_engine_when_the_rule_needs_them(
    selector: str, scored: bool, asked: bool
) -> None:
    rewards = FakeRewardModel({"a": 1.0}) if scored else None
    pipeline, generator = _pipeline(["a"], rewards, selector)
    await best_of_n(Request.from_prompt("x", best_of=2), pipeline)
    assert [each.token_logprobs for each in generator.requests] == [asked]


async def test_the_ranking_keeps_the_request_as_it_came() -> None:
    pipeline, _ = _pipeline(["a"])
    request = Request.from_prompt("x", best_of=2)
    assert (await best_of_n(request, pipeline)).request is request


def test_a_selector_that_says_nothing_of_logprobs_gets_none() -> None:
    assert not Pipeline(FakeGenerator(["a"]), ArgmaxSelector()).reads_logprobs
    assert Pipeline(FakeGenerator(["a"]), ConfidenceSelector()).reads_logprobs


@pytest.mark.parametrize("n", [2, 8, 16])
async def test_the_winners_mean_quantile_under_its_own_reward_is_n_of_n_plus_1(n: int) -> None:
    """The best of n independent draws lies, on average, at the quantile n / (n + 1) of what it is
    drawn from; rewards that are uniform are their own quantiles."""
    draw, rounds = random.Random(n), 3000
    quantiles = []
    for _ in range(rounds):
        rewards = [draw.random() for _ in range(n)]
        order = (await ArgmaxSelector().select(REQUEST, voters(*"x" * n, rewards=rewards))).order
        quantiles.append(rewards[order[0]])
    mean = sum(quantiles) / rounds
    error = math.sqrt(n / ((n + 1) ** 2 * (n + 2)) / rounds)
    assert mean == pytest.approx(n / (n + 1), abs=4 * error)
