"""best_of_n that goes on from a ranking with fewer candidates."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Iterable, Sequence

from bestofn.control.plateau import Plateau
from bestofn.control.policy import Policy
from bestofn.control.recent_scores import RecentScores
from bestofn.control.waves import Waves
from bestofn.core.best_of_n import best_of_n
from bestofn.core.types import Candidate, Request, Score
from bestofn.testing import FakeCompletion, FakeRewardModel
from tests.support.scripts import CUT, pipeline_of, states

FEW = Request.from_prompt("x", best_of=3, seed=10)
MANY = dataclasses.replace(FEW, best_of=6)


async def test_only_what_is_missing_is_sampled_and_scored_and_all_is_ranked() -> None:
    script = ["good", CUT, "bad", "better", "good", "loop"]
    pipeline, generator, rewards = pipeline_of(script)
    few = await best_of_n(FEW, pipeline)
    many = await best_of_n(MANY, pipeline, earlier=few)
    assert states(many) == {
        0: "rank 2", 1: "length", 2: "rank 4", 3: "rank 1", 4: "rank 3", 5: "loop",
    }  # fmt: skip
    assert [each.text for _, batch in rewards.calls for each in batch] == ["good", "bad", "better"]
    assert generator.sampled == [*range(6)]
    assert sorted(each.candidate.seed or 0 for each in many.candidates) == [*range(10, 16)]
    once = await best_of_n(MANY, pipeline_of(script)[0])
    assert states(once) == states(many)
    assert many.usage == once.usage
    assert (many.rounds, many.request) == (2, MANY)
    assert many.timings.sampling > few.timings.sampling


async def test_a_reward_model_that_compares_sees_all_again() -> None:
    rewards = FakeRewardModel(lambda request, c: float(len(c.text)), compares=True)
    pipeline, _, _ = pipeline_of(["a", CUT, "bb", "ccc", "a", "dd"], rewards)
    many = await best_of_n(MANY, pipeline, earlier=await best_of_n(FEW, pipeline))
    assert [sorted(c.text for c in batch) for _, batch in rewards.calls] == [
        ["a", "bb"],
        ["a", "bb", "ccc", "dd"],
    ]
    assert many.winner is not None
    assert many.winner.index == 3


async def test_a_fallback_of_before_is_a_rejection_again() -> None:
    script = [CUT, CUT, "loop", "bad", CUT, FakeCompletion(error="oom")]
    pipeline, _, _ = pipeline_of(script, policy=Policy("best_rejected"))
    few = await best_of_n(FEW, pipeline)
    assert few.fallback == "best_rejected"
    many = await best_of_n(MANY, pipeline, earlier=few)
    assert many.fallback is None
    assert [(each.index, each.reward) for each in many.ranked] == [(3, -1.0)]
    assert [each.reward for each in many.candidates if not each.accepted] == [None] * 5


async def test_what_finished_and_had_no_score_at_the_deadline_is_scored_now() -> None:
    class Late(FakeRewardModel):
        async def score(self, request: Request, candidates: Sequence[Candidate]) -> list[Score]:
            if any(each.text == "better" for each in candidates):
                await let.wait()
            return await super().score(request, candidates)

    let = asyncio.Event()
    rewards = Late({"good": 1.0, "bad": -1.0, "better": 2.0, "dd": 0.0})
    later = FakeCompletion("better", delay=0.02)
    pipeline, _, _ = pipeline_of(["good", later, "good", "dd", "dd", "dd"], rewards)
    hurried = dataclasses.replace(pipeline, policy=Policy(deadline_seconds=0.2))
    few = await best_of_n(FEW, hurried)
    assert states(few)[1] == "deadline"
    let.set()
    many = await best_of_n(MANY, pipeline, earlier=few)
    assert states(many)[1] == "rank 1"


async def test_each_score_is_learnt_once() -> None:
    class Learnt(RecentScores):
        def __init__(self) -> None:
            super().__init__(rewards=True)
            self.scores: list[float] = []

        def add(self, scores: Iterable[float]) -> None:
            self.scores += scores

    recent = Learnt()
    pipeline, _, _ = pipeline_of(["good", CUT, "bad", "better", "bad", CUT])
    pipeline = dataclasses.replace(pipeline, policy=Policy(recent=recent))
    await best_of_n(MANY, pipeline, earlier=await best_of_n(FEW, pipeline))
    assert sorted(recent.scores) == [-1.0, -1.0, 1.0, 2.0]


async def test_with_nothing_missing_it_is_ranked_again() -> None:
    pipeline, generator, _ = pipeline_of(["good", CUT, "bad"])
    few = await best_of_n(FEW, pipeline)
    assert states(await best_of_n(FEW, pipeline, earlier=few)) == states(few)
    assert generator.sampled == [0, 1, 2]


async def test_rules_that_read_the_order_of_completion_do_not_read_that_of_ranks() -> None:
    few, many = (Request.from_prompt("x", best_of=n, seed=10) for n in (4, 8))
    pipeline, generator, _ = pipeline_of(
        [f"{'good ' * index}end." for index in range(8)],
        FakeRewardModel(lambda request, c: float(c.index)),
    )
    ranking = await best_of_n(few, pipeline)
    assert [each.index for each in ranking.candidates] == [3, 2, 1, 0]
    policy = Policy(stop=Plateau(rewards=True, patience=3), sampling=Waves(1))
    patient = dataclasses.replace(pipeline, policy=policy)
    ranking = await best_of_n(many, patient, earlier=ranking)
    assert ranking.winner is not None
    assert (ranking.winner.index, generator.sampled) == (7, [*range(8)])
