"""Candidates that filters only suspect: behind the accepted, and as good as them where none is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from bestofn.control.policy import OnExhausted, Policy
from bestofn.core.best_of_n import best_of_n
from bestofn.core.pipeline import Pipeline
from bestofn.core.types import Candidate, Rejection, Request
from bestofn.testing import FakeGenerator, FakeRewardModel
from tests.support.scripts import CUT, FILTERS, pipeline_of

REWARDS = {"plain": 0.0, "odd": 5.0, "odder": 9.0, "cut": 3.0, "odd loop": 7.0}


@dataclass(frozen=True, slots=True)
class OddFilter:
    """Suspects what begins with "odd"."""

    name: str = "odd"

    def check(self, request: Request, candidate: Candidate) -> Rejection | None:
        if not candidate.text.startswith("odd"):
            return None
        return Rejection(self.name, "odd", "it looks odd", certain=False)


def _pipeline(
    script: list[Any], policy: OnExhausted = "resample"
) -> tuple[Pipeline, FakeGenerator, FakeRewardModel]:
    filters = (*FILTERS, OddFilter())
    return pipeline_of(script, REWARDS, filters=filters, policy=Policy(policy))


async def test_one_that_nobody_suspects_wins_although_its_reward_is_lower() -> None:
    pipeline, _, _ = _pipeline(["odd", "plain", "odder"])
    ranking = await best_of_n(Request.from_prompt("x", best_of=3, n=3), pipeline)
    assert [c.text for c in ranking.best] == ["plain", "odder", "odd"]
    assert [c.suspected for c in ranking.ranked] == [False, True, True]
    assert ranking.fallback is None
    assert ranking.values == {0: 5.0, 1: 0.0, 2: 9.0}


@pytest.mark.parametrize("policy", ["resample", "best_rejected", "error"])
async def test_where_all_are_suspected_the_best_wins_and_no_round_is_begun(
    policy: OnExhausted,
) -> None:
    pipeline, generator, _ = _pipeline(["odd", "odder"], policy)
    ranking = await best_of_n(Request.from_prompt("x", best_of=2), pipeline)
    assert generator.sampled == [0, 1]
    assert ranking.winner is not None
    assert ranking.winner.text == "odder"
    assert (ranking.fallback, ranking.rounds) == (None, 1)
    assert (ranking.rejected, ranking.suspected) == ({}, {"odd": 2})


async def test_a_suspected_one_is_before_the_certainly_rejected_whatever_their_rewards() -> None:
    pipeline, generator, _ = _pipeline(["odd", CUT])
    ranking = await best_of_n(Request.from_prompt("x", best_of=2), pipeline)
    assert generator.sampled == [0, 1]
    assert [(c.text, c.rank) for c in ranking.candidates] == [("odd", 1), ("cut", None)]


async def test_certain_and_suspected_together_are_a_rejection() -> None:
    pipeline, _, _ = _pipeline(["odd loop", "plain"])
    ranking = await best_of_n(Request.from_prompt("x", best_of=2), pipeline)
    (out,) = [c for c in ranking.candidates if c.rank is None]
    assert (out.suspected, out.kept) == (False, False)
    assert [r.certain for r in out.rejections] == [True, False]
