"""What a controller asks for and the driver does not do: the caps hold, and faults are told."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from bestofn.control.deadline import Deadline
from bestofn.control.fixed import Fixed
from bestofn.control.policy import Policy
from bestofn.control.replace import ReplaceRejected
from bestofn.control.waves import Waves
from bestofn.core.controller import WAIT, Budget, Chain, Controller, Decision, Progress
from bestofn.core.no_winner import (
    ControllerError,
    DeadlineError,
    NothingAcceptableError,
)
from bestofn.core.observer import Observer
from bestofn.core.pipeline import Pipeline
from bestofn.core.types import Request
from bestofn.testing import FakeCompletion, FakeRewardModel
from tests.support.driving import Decides, chained, ranked_by
from tests.support.scripts import CUT, FILTERS, REWARDS, pipeline_of

SLOW = 60.0

pytestmark = [pytest.mark.timeout(60), pytest.mark.usefixtures("no_task_is_left")]


@pytest.mark.parametrize("sampling", [Waves(2), Chain((Fixed(), ReplaceRejected()))])
async def test_nothing_is_started_past_the_deadline(sampling: Controller) -> None:
    rewards = FakeRewardModel(REWARDS, delay=0.3)
    script: Any = lambda request, index: "good" if index == 0 else CUT  # noqa: E731
    policy = Policy("best_rejected", deadline_seconds=0.1, sampling=sampling)
    pipeline, generator, _ = pipeline_of(script, rewards, policy=policy)
    started: list[float] = []

    class Started(Observer):
        def started(self, request: Request, indices: Sequence[int]) -> None:
            started.append(asyncio.get_running_loop().time())

    began = asyncio.get_running_loop().time()
    ranking = await ranked_by(pipeline, observer=Started())
    assert ranking.winner is not None
    assert max(started) - began < 0.1
    assert len(generator.sampled) <= 8


@pytest.mark.parametrize(
    ("policy", "kind", "sentence"),
    [
        (chained(Decides(lambda p: Decision(stop="never"))), NothingAcceptableError, "rule never"),
        (chained(Decides(lambda p: WAIT)), NothingAcceptableError, "no candidate was sampled"),
        (Policy(budget=Budget(tokens=0)), NothingAcceptableError, "rule budget"),
        (Policy(budget=Budget(seconds=0)), NothingAcceptableError, "rule budget"),
        (Policy(budget=Budget(candidates=0)), NothingAcceptableError, "rule budget"),
        (Policy(deadline_seconds=1e-9), DeadlineError, "nothing acceptable finished within"),
    ],
)
async def test_a_request_of_which_nothing_was_started_says_so(
    policy: Policy, kind: Any, sentence: str
) -> None:
    pipeline, generator, _ = pipeline_of(["good"], policy=policy)
    with pytest.raises(kind, match=sentence):
        await ranked_by(pipeline)
    assert generator.sampled == []


async def test_a_budget_of_tokens_that_nobody_counts_says_so() -> None:
    policy = Policy(sampling=Waves(1), budget=Budget(tokens=1))
    script = [FakeCompletion("good", counted=False), "better"]
    pipeline, generator, _ = pipeline_of(script, policy=policy)
    ranking = await ranked_by(pipeline)
    assert generator.sampled == [0, 1]
    assert ranking.stopped_by == "budget"
    assert [each for each in ranking.notes if "budget" in each] == [
        "the budget's tokens do not hold all: the backend does not count those of every candidate"
    ]


async def test_a_budget_below_best_of_is_no_fault_of_the_controller() -> None:
    for sampling in (Fixed(), Waves(1)):
        policy = Policy(sampling=sampling, budget=Budget(candidates=2))
        pipeline, generator, _ = pipeline_of(["good"], policy=policy)
        ranking = await ranked_by(pipeline)
        assert len(generator.sampled) == 2
        assert (len(ranking.ranked), ranking.stopped_by) == (2, "budget")


async def test_used_up_tokens_end_sampling_and_not_scoring() -> None:
    policy = Policy("best_rejected", budget=Budget(tokens=4))
    pipeline, _, _ = pipeline_of(["good", "better"], FakeRewardModel(REWARDS, delay=0.05))
    pipeline = Pipeline(
        pipeline.generator, pipeline.selector, FILTERS, pipeline.reward_model, policy
    )
    ranking = await ranked_by(pipeline)
    assert [c.reward for c in ranking.ranked] == [2.0, 2.0, 1.0, 1.0]
    rejected, _, _ = pipeline_of([CUT], policy=policy)
    assert (await ranked_by(rejected)).fallback == "best_rejected"


async def test_the_cap_on_candidates_counts_what_was_started() -> None:
    endless = Decides(lambda p: Decision(start=1) if not p.running else WAIT)
    pipeline, generator, _ = pipeline_of([CUT], policy=chained(endless))
    with pytest.raises(ControllerError, match="for ever"):
        await ranked_by(pipeline)
    assert len(generator.sampled) == 8


async def test_a_deadline_rule_of_ones_own_needs_no_seconds_for_its_sentence() -> None:
    script = [FakeCompletion("late", delay=SLOW)]
    pipeline, _, _ = pipeline_of(script, policy=chained(Deadline(0.05), Fixed()))
    with pytest.raises(DeadlineError, match="nothing acceptable finished in time"):
        await ranked_by(pipeline)


async def test_a_fallback_that_is_scored_late_does_not_say_that_it_was_stopped() -> None:
    rewards = FakeRewardModel(REWARDS, delay=0.3)
    policy = Policy("best_rejected", deadline_seconds=0.1)
    pipeline, _, _ = pipeline_of([CUT], rewards, policy=policy)
    ranking = await ranked_by(pipeline, best_of=1)
    assert (ranking.fallback, ranking.deadline_reached) == ("best_rejected", False)


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"start": 2.5}, "a Decision whose start is 2.5"),
        ({"abort": {7, 8}}, "a Decision whose abort is {8, 7}|a Decision whose abort is {7, 8}"),
        ({"wake": "x"}, "a Decision whose wake is 'x'"),
        ({"notes": "abc"}, "a Decision whose notes is 'abc'"),
        ({"round": 2}, "a Decision whose round is 2"),
    ],
)
async def test_a_malformed_decision_is_a_controller_error(fields: Any, sentence: str) -> None:
    policy = Policy(sampling=Decides(lambda p: Decision(**fields)), max_rounds=1)
    pipeline, _, _ = pipeline_of(["good"], policy=policy)
    with pytest.raises(ControllerError, match=sentence):
        await ranked_by(pipeline)


async def test_a_controllers_fault_tells_what_scoring_has_cost() -> None:
    def decide(progress: Progress) -> Decision:
        if progress.rewards:
            raise ValueError("no")
        return Decision(start=1) if not progress.sampled else WAIT

    pipeline, _, _ = pipeline_of(["good"], policy=chained(Decides(decide)))
    with pytest.raises(ControllerError) as caught:
        await ranked_by(pipeline, best_of=1)
    assert caught.value.ranking is not None
    assert caught.value.ranking.usage.reward_tokens == 1


async def test_a_note_is_told_once_however_often_it_is_said() -> None:
    says = Decides(lambda p: Decision(notes=("careful",)))
    pipeline, _, _ = pipeline_of(
        [FakeCompletion("good", delay=0.05)], policy=chained(Fixed(), says)
    )
    assert (await ranked_by(pipeline)).notes == ("careful",)
