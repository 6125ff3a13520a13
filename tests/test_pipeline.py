"""best_of_n over fakes: every candidate accounted for, whatever goes wrong."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from bestofn.errors import GeneratorError, NothingAcceptableError, RequestError, RewardError
from bestofn.generators.replay import ReplayGenerator
from bestofn.pipeline import Pipeline, best_of_n
from bestofn.protocols import Filter
from bestofn.ranking import Policy, Ranking, ScoredCandidate
from bestofn.selection.argmax import ArgmaxSelector
from bestofn.testing import FakeCompletion, FakeGenerator, FakeRewardModel
from bestofn.types import Candidate, Failure, Rejection, Request

REWARDS = {"good": 1.0, "better": 2.0, "bad": -1.0, "cut": 0.5, "loop": 0.1}


@dataclass(frozen=True, slots=True)
class CutFilter:
    name: str = "cut"

    def check(self, request: Request, candidate: Candidate) -> Rejection | None:
        if candidate.finish_reason == "stop":
            return None
        return Rejection(self.name, str(candidate.finish_reason), "it did not end")


@dataclass(frozen=True, slots=True)
class LoopFilter:
    name: str = "loop"

    def check(self, request: Request, candidate: Candidate) -> Rejection | None:
        return Rejection(self.name, "loop", "it loops") if "loop" in candidate.text else None


@dataclass(frozen=True, slots=True)
class RaisingFilter:
    name: str = "raising"

    def check(self, request: Request, candidate: Candidate) -> Rejection | None:
        if candidate.text == "bad":
            raise ZeroDivisionError("division by zero")
        return None


CUT = FakeCompletion("cut", finish_reason="length")
FILTERS: Sequence[Filter] = (CutFilter(), LoopFilter())


def _pipeline(
    script: Any,
    rewards: Any = REWARDS,
    *,
    filters: Sequence[Filter] = FILTERS,
    policy: Policy | None = None,
) -> tuple[Pipeline, FakeGenerator, FakeRewardModel]:
    generator = script if isinstance(script, FakeGenerator) else FakeGenerator(script)
    reward_model = rewards if isinstance(rewards, FakeRewardModel) else FakeRewardModel(rewards)
    pipeline = Pipeline(
        generator, ArgmaxSelector(), filters, reward_model, policy or Policy("best_rejected")
    )
    return pipeline, generator, reward_model


def _states(ranking: Ranking) -> dict[int, str]:
    """One word on each candidate."""

    def state(c: ScoredCandidate) -> str:
        if c.failure is not None:
            return c.failure.reason
        return "+".join(r.reason for r in c.rejections) or f"rank {c.rank}"

    return {c.index: state(c) for c in ranking.candidates}


async def test_all_candidates_are_accounted_for_and_the_best_wins() -> None:
    pipeline, generator, _ = _pipeline(["good", CUT, "better", "loop", FakeCompletion(error="oom")])
    request = Request.from_prompt("x", best_of=5, n=2, seed=10)
    ranking = await best_of_n(request, pipeline)
    assert ranking.winner is not None
    assert ranking.winner.text == "better"
    assert [c.text for c in ranking.best] == ["better", "good"]
    assert _states(ranking) == {
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
    pipeline, _, reward_model = _pipeline([both, "good"])
    ranking = await best_of_n(Request.from_prompt("x", best_of=2), pipeline)
    assert _states(ranking)[0] == "length+loop"
    assert [c.text for _, batch in reward_model.calls for c in batch] == ["good"]
    assert ranking.usage.reward_tokens == 1
    assert ranking.usage.completion_tokens == 3


async def test_each_candidate_is_scored_while_others_still_run() -> None:
    pipeline, _, reward_model = _pipeline(["good", FakeCompletion("better", delay=0.2)])
    seen: list[tuple[int, float | None]] = []
    await best_of_n(
        Request.from_prompt("x", best_of=2),
        pipeline,
        observer=lambda c: seen.append((c.index, c.reward)),
    )
    assert seen == [(0, None), (0, 1.0), (1, None), (1, 2.0)]
    assert len(reward_model.calls) == 2


async def test_what_arrives_while_the_reward_model_is_busy_goes_in_one_call() -> None:
    rewards = FakeRewardModel(lambda request, c: float(len(c.text)), delay=0.1)
    script = [FakeCompletion("a" * (i + 1), delay=0.01 * i) for i in range(5)]
    pipeline, _, _ = _pipeline(script, rewards)
    await best_of_n(Request.from_prompt("x", best_of=5), pipeline)
    assert [len(batch) for _, batch in rewards.calls] == [1, 4]


async def test_identical_candidates_are_scored_once_whenever_they_come() -> None:
    script = ["good", "good", FakeCompletion("good", delay=0.1), "better"]
    pipeline, _, reward_model = _pipeline(script)
    ranking = await best_of_n(Request.from_prompt("x", best_of=4), pipeline)
    assert sorted(c.text for _, batch in reward_model.calls for c in batch) == ["better", "good"]
    assert [c.reward for c in ranking.candidates] == [2.0, 1.0, 1.0, 1.0]
    assert [c.index for c in ranking.candidates] == [3, 0, 1, 2]
    assert ranking.usage.reward_tokens == 2


async def test_the_same_text_ended_and_cut_is_scored_twice() -> None:
    pipeline, _, reward_model = _pipeline(["good", FakeCompletion("good", "length")], filters=())
    await best_of_n(Request.from_prompt("x", best_of=2), pipeline)
    assert sum(len(batch) for _, batch in reward_model.calls) == 2


async def test_temperature_zero_samples_once_and_says_so() -> None:
    pipeline, generator, _ = _pipeline(["good"], policy=Policy("resample", max_rounds=5))
    ranking = await best_of_n(Request.from_prompt("x", best_of=8, temperature=0), pipeline)
    assert generator.sampled == [0]
    assert ranking.notes == ("temperature 0 makes all candidates equal: sampled 1 instead of 8",)
    assert len(ranking.candidates) == 1


async def test_temperature_zero_is_not_resampled() -> None:
    pipeline, generator, _ = _pipeline([CUT], policy=Policy("resample", max_rounds=5))
    ranking = await best_of_n(Request.from_prompt("x", best_of=8, temperature=0), pipeline)
    assert generator.sampled == [0]
    assert ranking.fallback == "best_rejected"


async def test_resampling_goes_on_with_new_indices_until_something_is_acceptable() -> None:
    pipeline, generator, _ = _pipeline(
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
    pipeline, generator, _ = _pipeline(
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
    pipeline, _, reward_model = _pipeline([CUT, "loop"], policy=Policy("error"))
    with pytest.raises(NothingAcceptableError) as caught:
        await best_of_n(Request.from_prompt("x", best_of=2), pipeline)
    assert str(caught.value) == "none of 2 candidates is acceptable: 1 length, 1 loop"
    assert caught.value.ranking is not None
    assert _states(caught.value.ranking) == {0: "length", 1: "loop"}
    assert caught.value.ranking.winner is None
    assert reward_model.calls == []


async def test_empty_text_is_never_the_fallback() -> None:
    script = [FakeCompletion("  \n", finish_reason="length")]
    pipeline, _, _ = _pipeline(script, lambda request, c: 1.0)
    with pytest.raises(NothingAcceptableError):
        await best_of_n(Request.from_prompt("x", best_of=1), pipeline)


async def test_a_filter_that_raises_fails_its_candidate_only() -> None:
    pipeline, _, _ = _pipeline(["bad", "good"], filters=(RaisingFilter(), LoopFilter()))
    ranking = await best_of_n(Request.from_prompt("x", best_of=2), pipeline)
    assert ranking.winner is not None
    assert ranking.winner.text == "good"
    (failed,) = [c for c in ranking.candidates if c.failure]
    assert failed.failure == Failure(
        "filter_error", "the filter raising raised ZeroDivisionError: division by zero"
    )


async def test_a_reward_that_is_not_finite_fails_its_candidate_only() -> None:
    for value in (float("nan"), float("inf"), float("-inf")):
        pipeline, _, _ = _pipeline(["good", "odd"], {"good": 1.0, "odd": value})
        ranking = await best_of_n(Request.from_prompt("x", best_of=2), pipeline)
        assert _states(ranking) == {0: "rank 1", 1: "reward_not_finite"}
        assert ranking.candidates[1].reward is None


async def test_a_failing_reward_model_loses_nothing() -> None:
    rewards = FakeRewardModel({}, raises=RewardError("out of memory"))
    pipeline, generator, _ = _pipeline(["good", CUT], rewards, policy=Policy("resample", 5))
    with pytest.raises(RewardError, match="the reward model failed: out of memory") as caught:
        await best_of_n(Request.from_prompt("x", best_of=2), pipeline)
    assert caught.value.ranking is not None
    assert _states(caught.value.ranking) == {0: "reward_error", 1: "length"}
    assert generator.sampled == [0, 1]


@pytest.mark.parametrize("error", [RewardError("out of memory"), ValueError("out of memory")])
async def test_a_reward_model_that_fails_on_all_is_a_reward_error(error: Exception) -> None:
    pipeline, _, _ = _pipeline(["good", "bad"], FakeRewardModel({}, raises=error))
    with pytest.raises(RewardError, match="out of memory") as caught:
        await best_of_n(Request.from_prompt("x", best_of=2), pipeline)
    assert caught.value.ranking is not None
    assert caught.value.ranking.failed == {"reward_error": 2}


async def test_scores_that_are_too_few_are_a_reward_error() -> None:
    class Forgetful(FakeRewardModel):
        async def score(self, request: Request, candidates: Sequence[Candidate]) -> list[Any]:
            return (await super().score(request, candidates))[1:]

    pipeline, _, _ = _pipeline(["good", "bad"], Forgetful(REWARDS))
    with pytest.raises(RewardError, match="returned 1 scores for 2 candidates"):
        await best_of_n(Request.from_prompt("x", best_of=2), pipeline)


async def test_all_candidates_failing_is_a_generator_error_and_is_not_resampled() -> None:
    pipeline, generator, _ = _pipeline([FakeCompletion(error="oom")], policy=Policy("resample", 5))
    with pytest.raises(GeneratorError, match="all 3 candidates failed: oom") as caught:
        await best_of_n(Request.from_prompt("x", best_of=3), pipeline)
    assert generator.sampled == [0, 1, 2]
    assert caught.value.ranking is not None
    assert caught.value.ranking.failed == {"generation_error": 3}


async def test_an_engine_that_dies_in_mid_request_leaves_what_it_gave() -> None:
    class Dying(FakeGenerator):
        def sample(self, request: Request, indices: Sequence[int]) -> Any:
            sampling = super().sample(request, indices)

            class DyingSampling:
                count = 0

                def __aiter__(self) -> Any:
                    return self

                async def __anext__(self) -> Candidate:
                    self.count += 1
                    if self.count == 3:
                        raise GeneratorError("the engine died")
                    return await anext(sampling)

                async def aclose(self) -> None:
                    await sampling.aclose()

            return DyingSampling()

    pipeline, generator, _ = _pipeline(Dying(["good", "better"]))
    ranking = await best_of_n(Request.from_prompt("x", best_of=4), pipeline)
    assert ranking.winner is not None
    assert ranking.winner.text == "better"
    assert ranking.failed == {"generation_error": 2}
    assert generator.closed == 1


async def test_a_request_error_is_raised_as_it_is() -> None:
    generator = FakeGenerator(["x"], raises=RequestError("the prompt has 9 tokens too many"))
    pipeline, _, _ = _pipeline(generator)
    with pytest.raises(RequestError, match="9 tokens too many"):
        await best_of_n(Request.from_prompt("x", best_of=2), pipeline)
    assert generator.closed == 1


async def test_a_candidate_that_comes_twice_is_recorded_as_the_engines_fault() -> None:
    twice = Candidate(0, {"role": "assistant", "content": "good"}, "stop")
    rewards = FakeRewardModel(REWARDS)
    pipeline = Pipeline(ReplayGenerator((twice, twice)), ArgmaxSelector(), (), rewards)
    ranking = await best_of_n(Request.from_prompt("x", best_of=2), pipeline)
    assert _states(ranking) == {0: "rank 1", 1: "generation_error"}


async def test_cancelling_aborts_every_candidate_and_the_scoring() -> None:
    rewards = FakeRewardModel(REWARDS, delay=60)
    pipeline, generator, _ = _pipeline(["good", *[FakeCompletion("better", delay=60)] * 3], rewards)
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
    assert _states(ranking) == {0: "rank 1"}


async def test_without_a_reward_model_it_only_filters() -> None:
    pipeline = Pipeline(FakeGenerator(["good", CUT]), ArgmaxSelector(), FILTERS)
    ranking = await best_of_n(Request.from_prompt("x", best_of=2), pipeline)
    assert [c.accepted for c in ranking.candidates] == [True, False]
    assert ranking.winner is None
    assert ranking.fallback is None


async def test_a_selector_that_loses_a_candidate_is_found_out() -> None:
    class Lossy(ArgmaxSelector):
        def select(self, request: Request, scored: Sequence[ScoredCandidate]) -> Any:
            return super().select(request, scored)[1:]

    pipeline = Pipeline(FakeGenerator(["good"]), Lossy(), (), FakeRewardModel(REWARDS))
    with pytest.raises(RewardError, match="selector lost or invented"):
        await best_of_n(Request.from_prompt("x", best_of=2), pipeline)


async def test_many_requests_at_once_keep_apart() -> None:
    rewards = FakeRewardModel(lambda request, c: float(c.text.split()[1]))
    pipeline, _, _ = _pipeline(
        lambda request, index: f"{request.last_user_text} {index}", rewards, filters=()
    )
    requests = [Request.from_prompt(f"p{i}", best_of=4) for i in range(50)]
    rankings = await asyncio.gather(*(best_of_n(each, pipeline) for each in requests))
    for number, ranking in enumerate(rankings):
        assert [c.text for c in ranking.candidates] == [f"p{number} {i}" for i in (3, 2, 1, 0)]
