"""best_of_n over fakes: every candidate accounted for, the best first."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from bestofn.control.policy import Policy
from bestofn.core.best_of_n import best_of_n
from bestofn.core.no_winner import NothingAcceptableError
from bestofn.core.pipeline import Pipeline
from bestofn.core.types import Candidate, Request, Score
from bestofn.generators.replay import ReplayGenerator
from bestofn.selection.argmax import ArgmaxSelector
from bestofn.testing import FakeCompletion, FakeGenerator, FakeRewardModel
from tests.support.scripts import CUT, FILTERS, REWARDS, pipeline_of, states


async def test_all_candidates_are_accounted_for_and_the_best_wins() -> None:
    pipeline, generator, _ = pipeline_of(
        ["good", CUT, "better", "loop", FakeCompletion(error="oom")]
    )
    request = Request.from_prompt("x", best_of=5, n=2, seed=10)
    ranking = await best_of_n(request, pipeline)
    assert ranking.winner is not None
    assert ranking.winner.text == "better"
    assert [c.text for c in ranking.best] == ["better", "good"]
    assert states(ranking) == {
        2: "rank 1",
        0: "rank 2",
        1: "length",
        3: "loop",
        4: "generation_error",
    }
    assert [c.index for c in ranking.candidates] == [2, 0, 1, 3, 4]
    assert ranking.rejected == {"length": 1, "loop": 1}
    assert ranking.failed == {"generation_error": 1}
    assert ranking.fallback is None
    assert [c.candidate.seed for c in sorted(ranking.candidates, key=lambda c: c.index)] == [
        10, 11, 12, 13, 14,
    ]  # fmt: skip
    assert (generator.closed, generator.aborted) == (1, [])


async def test_rejected_candidates_are_not_scored_and_all_rejections_are_kept() -> None:
    both = FakeCompletion("loop loop", finish_reason="length")
    pipeline, _, reward_model = pipeline_of([both, "good"])
    ranking = await best_of_n(Request.from_prompt("x", best_of=2), pipeline)
    assert states(ranking)[0] == "length+loop"
    assert [c.text for _, batch in reward_model.calls for c in batch] == ["good"]
    assert ranking.usage.reward_tokens == 1
    assert ranking.usage.completion_tokens == 3


async def test_each_candidate_is_scored_while_others_still_run() -> None:
    pipeline, _, reward_model = pipeline_of(["good", FakeCompletion("better", delay=0.2)])
    seen: list[tuple[int, float | None]] = []
    await best_of_n(
        Request.from_prompt("x", best_of=2),
        pipeline,
        observer=lambda c: seen.append((c.index, c.reward)),
    )
    assert seen == [(0, None), (0, 1.0), (1, None), (1, 2.0)]
    assert len(reward_model.calls) == 2


async def test_what_arrives_while_the_reward_model_is_busy_goes_in_one_call() -> None:
    class Busy(FakeRewardModel):
        async def score(self, request: Request, candidates: Sequence[Candidate]) -> list[Score]:
            scores = await super().score(request, candidates)
            await all_there.wait()
            return scores

    all_there = asyncio.Event()
    rewards = Busy(lambda request, c: float(len(c.text)))
    script = [FakeCompletion("a"), *(FakeCompletion("a" * i, delay=0.1) for i in range(2, 6))]
    pipeline, _, _ = pipeline_of(script, rewards)
    await best_of_n(
        Request.from_prompt("x", best_of=5),
        pipeline,
        observer=lambda c: all_there.set() if c.index == 4 else None,
    )
    assert [len(batch) for _, batch in rewards.calls] == [1, 4]


async def test_identical_candidates_are_scored_once_whenever_they_come() -> None:
    script = ["good", "good", FakeCompletion("good", delay=0.1), "better"]
    pipeline, _, reward_model = pipeline_of(script)
    ranking = await best_of_n(Request.from_prompt("x", best_of=4), pipeline)
    assert sorted(c.text for _, batch in reward_model.calls for c in batch) == ["better", "good"]
    assert [c.reward for c in ranking.candidates] == [2.0, 1.0, 1.0, 1.0]
    assert [c.index for c in ranking.candidates] == [3, 0, 1, 2]
    assert ranking.usage.reward_tokens == 2


async def test_the_same_text_ended_and_cut_is_scored_twice() -> None:
    pipeline, _, reward_model = pipeline_of(["good", FakeCompletion("good", "length")], filters=())
    await best_of_n(Request.from_prompt("x", best_of=2), pipeline)
    assert sum(len(batch) for _, batch in reward_model.calls) == 2


async def test_temperature_zero_samples_once_and_says_so() -> None:
    pipeline, generator, _ = pipeline_of(["good"], policy=Policy("resample", max_rounds=5))
    ranking = await best_of_n(Request.from_prompt("x", best_of=8, temperature=0), pipeline)
    assert generator.sampled == [0]
    assert ranking.notes == ("temperature 0 makes all candidates equal: sampled 1 instead of 8",)
    assert len(ranking.candidates) == 1


async def test_temperature_zero_is_not_resampled() -> None:
    pipeline, generator, _ = pipeline_of([CUT], policy=Policy("resample", max_rounds=5))
    ranking = await best_of_n(Request.from_prompt("x", best_of=8, temperature=0), pipeline)
    assert generator.sampled == [0]
    assert ranking.fallback == "best_rejected"


async def test_resampling_goes_on_with_new_indices_until_something_is_acceptable() -> None:
    pipeline, generator, _ = pipeline_of(
        lambda request, index: "good" if index == 5 else CUT, policy=Policy("resample", 4)
    )
    ranking = await best_of_n(Request.from_prompt("x", best_of=2, seed=0), pipeline)
    assert generator.sampled == [0, 1, 2, 3, 4, 5]
    assert ranking.rounds == 3
    assert ranking.winner is not None
    assert (ranking.winner.index, ranking.winner.candidate.seed) == (5, 5)
    assert len(ranking.candidates) == 6
    assert ranking.fallback is None


@pytest.mark.parametrize(
    ("policy", "sampled"),
    [
        (Policy("resample", max_rounds=3), 6),
        (Policy("resample", max_rounds=9, max_resample_tokens=4), 4),
        (Policy("resample", max_rounds=9, max_resample_seconds=0.0), 2),
        (Policy("best_rejected", max_rounds=9), 2),
    ],
)
async def test_budgets_end_resampling_and_the_best_rejected_is_flagged(
    policy: Policy, sampled: int
) -> None:
    pipeline, generator, _ = pipeline_of(
        lambda request, index: "loop" if index == 1 else CUT, policy=policy
    )
    ranking = await best_of_n(Request.from_prompt("x", best_of=2), pipeline)
    assert len(generator.sampled) == sampled
    assert ranking.fallback == "best_rejected"
    assert ranking.winner is not None
    assert (ranking.winner.text, ranking.winner.reward) == ("cut", 0.5)
    assert ranking.winner.rejections
    assert len(ranking.ranked) == sampled


async def test_policy_error_raises_with_everything_that_was_done() -> None:
    pipeline, _, reward_model = pipeline_of([CUT, "loop"], policy=Policy("error"))
    with pytest.raises(NothingAcceptableError) as caught:
        await best_of_n(Request.from_prompt("x", best_of=2), pipeline)
    assert str(caught.value) == "none of 2 candidates is acceptable: 1 length, 1 loop"
    assert caught.value.ranking is not None
    assert states(caught.value.ranking) == {0: "length", 1: "loop"}
    assert caught.value.ranking.winner is None
    assert reward_model.calls == []


async def test_empty_text_is_never_the_fallback() -> None:
    script = [FakeCompletion("  \n", finish_reason="length")]
    pipeline, _, _ = pipeline_of(script, lambda request, c: 1.0)
    with pytest.raises(NothingAcceptableError):
        await best_of_n(Request.from_prompt("x", best_of=1), pipeline)


async def test_cancelling_aborts_every_candidate_and_the_scoring() -> None:
    rewards = FakeRewardModel(REWARDS, delay=60)
    pipeline, generator, _ = pipeline_of(
        ["good", *[FakeCompletion("better", delay=60)] * 3], rewards
    )
    before = asyncio.all_tasks()  # the suite's engine shares this loop
    task = asyncio.create_task(best_of_n(Request.from_prompt("x", best_of=4), pipeline))
    while not rewards.calls:
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert sorted(generator.aborted) == [1, 2, 3]
    assert generator.closed == 1
    assert rewards.finished == 0
    assert asyncio.all_tasks() <= before


async def test_unfinished_snapshots_are_passed_over() -> None:
    message = {"role": "assistant", "content": "good"}
    growing = tuple(Candidate(0, message, reason) for reason in (None, None, "stop"))
    rewards = FakeRewardModel(REWARDS)

    class Snapshots(ReplayGenerator):
        def sample(self, request: Request, indices: Sequence[int]) -> Any:
            return super().sample(request, range(3))

    pipeline = Pipeline(Snapshots(growing), ArgmaxSelector(), FILTERS, rewards)
    ranking = await best_of_n(Request.from_prompt("x", best_of=1), pipeline)
    assert states(ranking) == {0: "rank 1"}


async def test_without_a_reward_model_it_only_filters() -> None:
    pipeline = Pipeline(FakeGenerator(["good", CUT]), ArgmaxSelector(), FILTERS)
    ranking = await best_of_n(Request.from_prompt("x", best_of=2), pipeline)
    assert [c.accepted for c in ranking.candidates] == [True, False]
    assert ranking.winner is None
    assert ranking.fallback is None


async def test_many_requests_at_once_keep_apart() -> None:
    rewards = FakeRewardModel(lambda request, c: float(c.text.split()[1]))
    pipeline, _, _ = pipeline_of(
        lambda request, index: f"{request.last_user_text} {index}", rewards, filters=()
    )
    requests = [Request.from_prompt(f"p{i}", best_of=4) for i in range(50)]
    rankings = await asyncio.gather(*(best_of_n(each, pipeline) for each in requests))
    for number, ranking in enumerate(rankings):
        assert [c.text for c in ranking.candidates] == [f"p{number} {i}" for i in (3, 2, 1, 0)]
