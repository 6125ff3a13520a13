"""best_of_n over fakes that fail: nothing is lost, whatever goes wrong."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from bestofn.control.policy import Policy
from bestofn.core.best_of_n import best_of_n
from bestofn.core.errors import RequestError
from bestofn.core.no_winner import GeneratorError, RewardError
from bestofn.core.pipeline import Pipeline
from bestofn.core.ranking import ScoredCandidate, Selection
from bestofn.core.types import Candidate, Failure, Rejection, Request
from bestofn.generators.replay import ReplayGenerator
from bestofn.selection.argmax import ArgmaxSelector
from bestofn.testing import FakeCompletion, FakeGenerator, FakeRewardModel
from tests.support.scripts import CUT, REWARDS, LoopFilter, pipeline_of, states


@dataclass(frozen=True, slots=True)
class RaisingFilter:
    name: str = "raising"

    def check(self, request: Request, candidate: Candidate) -> Rejection | None:
        if candidate.text == "bad":
            raise ZeroDivisionError("division by zero")
        return None


async def test_a_filter_that_raises_fails_its_candidate_only() -> None:
    pipeline, _, _ = pipeline_of(["bad", "good"], filters=(RaisingFilter(), LoopFilter()))
    ranking = await best_of_n(Request.from_prompt("x", best_of=2), pipeline)
    assert ranking.winner is not None
    assert ranking.winner.text == "good"
    (failed,) = [c for c in ranking.candidates if c.failure]
    assert failed.failure == Failure(
        "filter_error", "the filter raising raised ZeroDivisionError: division by zero"
    )


async def test_a_reward_that_is_not_finite_fails_its_candidate_only() -> None:
    for value in (float("nan"), float("inf"), float("-inf")):
        pipeline, _, _ = pipeline_of(["good", "odd"], {"good": 1.0, "odd": value})
        ranking = await best_of_n(Request.from_prompt("x", best_of=2), pipeline)
        assert states(ranking) == {0: "rank 1", 1: "reward_not_finite"}
        assert ranking.candidates[1].reward is None


async def test_a_failing_reward_model_loses_nothing() -> None:
    rewards = FakeRewardModel({}, raises=RewardError("out of memory"))
    pipeline, generator, _ = pipeline_of(["good", CUT], rewards, policy=Policy("resample", 5))
    with pytest.raises(RewardError, match="the reward model failed: out of memory") as caught:
        await best_of_n(Request.from_prompt("x", best_of=2), pipeline)
    assert caught.value.ranking is not None
    assert states(caught.value.ranking) == {0: "reward_error", 1: "length"}
    assert generator.sampled == [0, 1]


@pytest.mark.parametrize("error", [RewardError("out of memory"), ValueError("out of memory")])
async def test_a_reward_model_that_fails_on_all_is_a_reward_error(error: Exception) -> None:
    pipeline, _, _ = pipeline_of(["good", "bad"], FakeRewardModel({}, raises=error))
    with pytest.raises(RewardError, match="out of memory") as caught:
        await best_of_n(Request.from_prompt("x", best_of=2), pipeline)
    assert caught.value.ranking is not None
    assert caught.value.ranking.failed == {"reward_error": 2}


async def test_scores_that_are_too_few_are_a_reward_error() -> None:
    class Forgetful(FakeRewardModel):
        async def score(self, request: Request, candidates: Sequence[Candidate]) -> list[Any]:
            return (await super().score(request, candidates))[1:]

    pipeline, _, _ = pipeline_of(["good", "bad"], Forgetful(REWARDS))
    with pytest.raises(RewardError, match="returned 1 scores for 2 candidates"):
        await best_of_n(Request.from_prompt("x", best_of=2), pipeline)


async def test_all_candidates_failing_is_a_generator_error_and_is_not_resampled() -> None:
    pipeline, generator, _ = pipeline_of(
        [FakeCompletion(error="oom")], policy=Policy("resample", 5)
    )
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

    pipeline, generator, _ = pipeline_of(Dying(["good", "better"]))
    ranking = await best_of_n(Request.from_prompt("x", best_of=4), pipeline)
    assert ranking.winner is not None
    assert ranking.winner.text == "better"
    assert ranking.failed == {"generation_error": 2}
    assert generator.closed == 1


async def test_a_request_error_is_raised_as_it_is() -> None:
    generator = FakeGenerator(["x"], raises=RequestError("the prompt has 9 tokens too many"))
    pipeline, _, _ = pipeline_of(generator)
    with pytest.raises(RequestError, match="9 tokens too many"):
        await best_of_n(Request.from_prompt("x", best_of=2), pipeline)
    assert generator.closed == 1


async def test_a_candidate_that_comes_twice_is_recorded_as_the_engines_fault() -> None:
    twice = Candidate(0, {"role": "assistant", "content": "good"}, "stop")
    rewards = FakeRewardModel(REWARDS)
    pipeline = Pipeline(ReplayGenerator((twice, twice)), ArgmaxSelector(), (), rewards)
    ranking = await best_of_n(Request.from_prompt("x", best_of=2), pipeline)
    assert states(ranking) == {0: "rank 1", 1: "generation_error"}


async def test_a_selector_that_loses_a_candidate_is_found_out() -> None:
    class Lossy(ArgmaxSelector):
        async def select(self, request: Request, accepted: Sequence[ScoredCandidate]) -> Selection:
            return Selection((await super().select(request, accepted)).order[1:])

    pipeline = Pipeline(FakeGenerator(["good"]), Lossy(), (), FakeRewardModel(REWARDS))
    with pytest.raises(RewardError, match="selector lost or invented"):
        await best_of_n(Request.from_prompt("x", best_of=2), pipeline)
