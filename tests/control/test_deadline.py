"""The deadline: what has finished and passed is returned, the rest is stopped and says so."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

import pytest

from bestofn import (
    DeadlineError,
    Pipeline,
    Policy,
    Rejection,
    Request,
    RequestError,
    best_of_n,
)
from bestofn.core.types import Candidate
from bestofn.filters.truncation.filter import TruncationFilter
from bestofn.selection.argmax import ArgmaxSelector
from bestofn.testing import FakeCompletion, FakeGenerator, FakeRewardModel

SLOW = 30.0


def _pipeline(
    completions: Sequence[str | FakeCompletion], reward_model: FakeRewardModel, **policy: object
) -> Pipeline:
    return Pipeline(
        FakeGenerator(completions),
        ArgmaxSelector(),
        [TruncationFilter()],
        reward_model,
        Policy(**{"deadline_seconds": 0.2, **policy}),  # type: ignore[arg-type]
    )


def _request(best_of: int) -> Request:
    return Request.from_prompt("?", best_of=best_of)


async def test_the_best_of_what_has_finished_is_returned_and_the_rest_aborted() -> None:
    completions: list[str | FakeCompletion] = [
        "Good.",
        "Better.",
        FakeCompletion("Best.", delay=SLOW),
    ]
    rewards = FakeRewardModel({"Good.": 1.0, "Better.": 2.0, "Best.": 3.0})
    pipeline = _pipeline(completions, rewards)
    started = time.monotonic()
    ranking = await best_of_n(_request(3), pipeline)
    assert 0.2 <= time.monotonic() - started < 5
    assert ranking.deadline_reached
    assert ranking.winner is not None
    assert ranking.winner.text == "Better."
    assert ranking.failed == {"deadline": 1}
    stopped = ranking.candidates[-1]
    assert stopped.index == 2
    assert stopped.candidate.finish_reason == "abort"
    assert isinstance(pipeline.generator, FakeGenerator)
    assert pipeline.generator.aborted == [2]


async def test_a_deadline_that_is_not_reached_changes_nothing() -> None:
    pipeline = _pipeline(["Good."], FakeRewardModel({"Good.": 1.0}), deadline_seconds=20)
    ranking = await best_of_n(_request(2), pipeline)
    assert not ranking.deadline_reached
    assert len(ranking.ranked) == 2


async def test_nothing_finished_is_an_error_that_keeps_the_candidates() -> None:
    pipeline = _pipeline([FakeCompletion("Late.", delay=SLOW)], FakeRewardModel({}))
    with pytest.raises(DeadlineError, match=r"within 0\.2 s") as caught:
        await best_of_n(_request(3), pipeline)
    assert caught.value.ranking is not None
    assert caught.value.ranking.failed == {"deadline": 3}


async def test_rejected_candidates_are_the_fallback_as_the_policy_says() -> None:
    cut = FakeCompletion("Cut", finish_reason="length")
    late = FakeCompletion("Late.", delay=SLOW)
    ranking = await best_of_n(_request(2), _pipeline([cut, late], FakeRewardModel({"Cut": 1.0})))
    assert (ranking.fallback, ranking.rounds) == ("best_rejected", 1)
    strict = _pipeline([cut, late], FakeRewardModel({"Cut": 1.0}), on_exhausted="error")
    with pytest.raises(DeadlineError):
        await best_of_n(_request(2), strict)


async def test_an_aborted_candidate_never_wins_even_without_filters() -> None:
    late = FakeCompletion("Half of", delay=SLOW)
    pipeline = Pipeline(
        FakeGenerator(["Whole.", late]),
        ArgmaxSelector(),
        (),
        FakeRewardModel({"Whole.": 0.0, "Half of": 9.0}),
        Policy(deadline_seconds=0.2),
    )
    ranking = await best_of_n(_request(2), pipeline)
    assert [c.text for c in ranking.ranked] == ["Whole."]


async def test_the_first_score_is_waited_for_past_the_deadline() -> None:
    rewards = FakeRewardModel({"Good.": 1.0}, delay=0.5)
    ranking = await best_of_n(_request(2), _pipeline(["Good."], rewards))
    assert len(ranking.ranked) == 2


async def test_scores_that_are_missing_beside_others_are_given_up() -> None:
    class SlowForOne:
        calls = 0

        async def score(self, request: Request, candidates: list[Candidate]) -> object:
            self.calls += 1
            await asyncio.sleep(0 if self.calls == 1 else SLOW)
            return await FakeRewardModel({"Good.": 1.0, "Better.": 2.0}).score(request, candidates)

    pipeline = Pipeline(
        FakeGenerator(["Good.", FakeCompletion("Better.", delay=0.1)]),
        ArgmaxSelector(),
        (),
        SlowForOne(),  # type: ignore[arg-type]
        Policy(deadline_seconds=0.3),
    )
    ranking = await best_of_n(_request(2), pipeline)
    assert [c.text for c in ranking.ranked] == ["Good."]
    assert ranking.deadline_reached
    (unscored,) = [c for c in ranking.candidates if c.failure is not None]
    assert unscored.failure is not None
    assert unscored.failure.detail == "not scored at the deadline"


async def test_no_further_round_starts_after_the_deadline() -> None:
    class RejectAll:
        name = "all"

        def check(self, request: Request, candidate: Candidate) -> Rejection:
            return Rejection("all", "no", "no")

    generator = FakeGenerator(["A.", FakeCompletion("B.", delay=SLOW)])
    pipeline = Pipeline(
        generator,
        ArgmaxSelector(),
        [RejectAll()],
        FakeRewardModel({"A.": 1.0}),
        Policy(deadline_seconds=0.2, max_rounds=5),
    )
    ranking = await best_of_n(_request(2), pipeline)
    assert (ranking.rounds, ranking.fallback) == (1, "best_rejected")
    assert generator.sampled == [0, 1]


@pytest.mark.parametrize("seconds", [0, -1.0])
def test_a_deadline_has_to_be_ahead(seconds: float) -> None:
    with pytest.raises(RequestError, match="deadline"):
        Policy(deadline_seconds=seconds)
