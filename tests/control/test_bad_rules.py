"""Rules that raise, that have nothing to read, or that want what cannot be: a sentence each, and
never fewer than one accepted candidate."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from bestofn.answers.auto import AutoKey
from bestofn.builders.stopping import Readable, require_candidates, stopping
from bestofn.control.policy import Policy
from bestofn.core.best_of_n import best_of_n
from bestofn.core.controller import Budget, Decision, Progress
from bestofn.core.errors import ConfigError, RequestError
from bestofn.core.no_winner import ControllerError, NothingAcceptableError, RewardError
from bestofn.core.pipeline import Pipeline
from bestofn.core.ranking import ScoredCandidate, Selection
from bestofn.core.types import Request
from bestofn.filters.truncation.filter import TruncationFilter
from bestofn.selection.auto import AutoSelector
from bestofn.settings.stopping import StopSettings
from bestofn.testing import FakeCompletion, FakeGenerator, FakeRewardModel
from tests.support.progress import progress, record

REQUEST = Request.from_prompt("x", best_of=6)
RULES = [
    "accepted count=1",
    "agreement votes=1",
    "auto",
    "evidence share=0.01 prior=-99",
    "expected_gain gain=1000",
    "plateau patience=1",
    "reward reward=-99",
]


def rejected_first(request: Request, index: int) -> FakeCompletion:
    """Five are cut at once; the last one is good, and late."""
    if index < 5:
        return FakeCompletion("cut", "length")
    return FakeCompletion("good.", delay=0.05)


def policy_of(rule: str, *, rewards: bool, on_exhausted: Any = "best_rejected") -> Policy:
    stop = StopSettings.model_validate(rule)
    return Policy(on_exhausted, **stopping(stop, Readable.of(AutoKey(), rewards=rewards)))


def pipeline_of(policy: Policy, script: Any, *, rewards: bool = True) -> Pipeline:
    scored = FakeRewardModel(lambda request, candidate: float(candidate.index)) if rewards else None
    selector = AutoSelector(AutoKey())
    return Pipeline(FakeGenerator(script), selector, [TruncationFilter()], scored, policy)


@pytest.mark.parametrize("rule", RULES)
async def test_no_rule_stops_before_something_was_accepted(rule: str) -> None:
    pipeline = pipeline_of(policy_of(rule, rewards=True), rejected_first)
    ranking = await best_of_n(REQUEST, pipeline)
    assert ranking.winner is not None
    assert (ranking.winner.index, ranking.winner.accepted) == (5, True)


@pytest.mark.parametrize("budget", [Budget(tokens=3), Budget(seconds=0.02), Budget(candidates=3)])
async def test_a_budget_that_leaves_nothing_accepted_returns_the_best_rejected(
    budget: Budget,
) -> None:
    pipeline = pipeline_of(Policy("best_rejected", budget=budget), rejected_first)
    ranking = await best_of_n(REQUEST, pipeline)
    assert ranking.fallback == "best_rejected"
    assert ranking.winner is not None
    pipeline = pipeline_of(Policy("error", budget=budget), rejected_first)
    with pytest.raises(NothingAcceptableError, match="none of"):
        await best_of_n(REQUEST, pipeline)


@pytest.mark.parametrize(
    ("cap", "value"),
    [
        ("candidates", -1),
        ("tokens", -5),
        ("seconds", -0.1),
        ("seconds", float("nan")),
        ("candidate_tokens", -2),
    ],
)
def test_a_budget_that_cannot_be_is_one_sentence(cap: str, value: float) -> None:
    with pytest.raises(RequestError, match=f"the budget's {cap} is .*; it must be at least 0"):
        Budget(**{cap: value})  # type: ignore[arg-type]


@pytest.mark.parametrize("rule", ["reward reward=1", "reward reward=1 count=2"])
def test_a_threshold_without_a_reward_model_is_one_sentence(rule: str) -> None:
    with pytest.raises(
        ConfigError, match="the rule reward needs a reward model, and there is none"
    ):
        policy_of(rule, rewards=False)


@pytest.mark.parametrize("rule", ["plateau", "expected_gain"])
async def test_a_rule_that_finds_no_scores_says_that_it_stops_nothing(rule: str) -> None:
    """An upstream that gives no log-probabilities, and nothing scores."""

    policy = policy_of(f"{rule} waves=1", rewards=False)
    answers = [f"{index}." for index in range(6)]
    ranking = await best_of_n(REQUEST, pipeline_of(policy, answers, rewards=False))
    assert ranking.notes == (f"{rule}: no accepted candidate has a score, so it stops nothing",)
    assert len(ranking.candidates) == 6


def test_what_a_rule_tells_does_not_keep_the_others_from_being_asked() -> None:
    policy = policy_of("plateau waves=2", rewards=False)
    said = policy.decide(progress([record(0), record(1)]))
    assert (said.start, len(said.notes)) == (2, 1)


@pytest.mark.parametrize(
    ("rule", "error"),
    [
        ("auto min=9", "stop.min is 9, and best_of is 8: sample more"),
        ("accepted count=12", "stop.count is 12, and best_of is 8: sample more"),
        ("reward reward=1 count=9", "stop.count is 9, and best_of is 8"),
    ],
)
def test_a_rule_that_could_never_stop_is_one_sentence(rule: str, error: str) -> None:
    with pytest.raises(ConfigError, match=error):
        require_candidates(StopSettings.model_validate(rule), 8)
    require_candidates(StopSettings.model_validate(rule), 12)


class Raising:
    """A rule, and a selector, that raise."""

    needs_rewards = False

    def decide(self, progress: Progress) -> Decision:
        raise ZeroDivisionError("no candidates")

    async def select(self, request: Request, accepted: Sequence[ScoredCandidate]) -> Selection:
        await asyncio.sleep(0)
        raise KeyError("oops")


async def test_a_stopping_rule_that_raises_is_one_sentence_and_loses_nothing() -> None:
    pipeline = pipeline_of(Policy(stop=Raising()), ["good."])
    with pytest.raises(ControllerError, match="raised ZeroDivisionError: no candidates") as caught:
        await best_of_n(REQUEST, pipeline)
    assert caught.value.ranking is not None
    assert len(caught.value.ranking.candidates) == 6


async def test_a_selector_that_raises_is_one_sentence_and_loses_nothing() -> None:
    pipeline = Pipeline(FakeGenerator(["good."]), Raising())
    with pytest.raises(RewardError, match="the selector raised KeyError: 'oops'") as caught:
        await best_of_n(REQUEST, pipeline)
    assert caught.value.ranking is not None
    assert [each.accepted for each in caught.value.ranking.candidates] == [True] * 6
