"""The driver over fakes: what a controller asks for is done, and no more than the budget allows."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from bestofn.control.enough import Enough
from bestofn.control.fixed import Fixed
from bestofn.control.policy import Policy
from bestofn.control.replace import ReplaceRejected
from bestofn.control.waves import Waves
from bestofn.core.best_of_n import best_of_n
from bestofn.core.controller import WAIT, Budget, Chain, Controller, Decision, Progress
from bestofn.core.no_winner import ControllerError
from bestofn.core.observer import Observer
from bestofn.core.ranking import Ranking
from bestofn.core.types import Request
from bestofn.testing import FakeCompletion, FakeGenerator, FakeRewardModel
from tests.support.scripts import CUT, pipeline_of, states

SLOW = 60.0


class Decides:
    """A controller made of a function; keeps what it was shown."""

    def __init__(self, decide: Callable[[Progress], Decision]) -> None:
        self._decide = decide
        self.asked = 0

    def decide(self, progress: Progress) -> Decision:
        self.asked += 1
        return self._decide(progress)


def _policy(*controllers: Controller, **fields: Any) -> Policy:
    return Policy("best_rejected", sampling=Chain(controllers), **fields)


async def _ranked(pipeline: Any, best_of: int = 4, **further: Any) -> Ranking:
    return await best_of_n(Request.from_prompt("x", best_of=best_of), pipeline, **further)


async def test_waves_that_are_not_needed_are_never_started() -> None:
    policy = _policy(Waves(2), Enough(1.5))
    pipeline, generator, _ = pipeline_of(["bad", "good", "better", "bad"], policy=policy)
    ranking = await _ranked(pipeline, best_of=16)
    assert generator.sampled == [0, 1, 2, 3]
    assert (ranking.rounds, ranking.stopped_by) == (1, "enough")
    assert ranking.winner is not None
    assert ranking.winner.text == "better"


async def test_what_still_runs_is_aborted_once_it_is_enough_and_carries_the_rule() -> None:
    policy = _policy(Fixed(), Enough(1.5))
    script = ["good", "better", FakeCompletion("bad", delay=SLOW), FakeCompletion("x", delay=SLOW)]
    pipeline, generator, _ = pipeline_of(script, policy=policy)
    ranking = await _ranked(pipeline)
    assert sorted(generator.aborted) == [2, 3]
    assert states(ranking) == {1: "rank 1", 0: "rank 2", 2: "enough", 3: "enough"}
    assert ranking.stopped == {"enough": 2}
    assert not ranking.deadline_reached
    failure = ranking.candidates[-1].failure
    assert failure is not None
    assert failure.detail == "not finished when the rule enough stopped it"
    assert ranking.usage.completion_tokens == 4, "what an aborted one had sampled counts"


async def test_scores_that_are_missing_when_it_is_enough_are_given_up() -> None:
    class SlowForOne:
        async def score(self, request: Request, candidates: Any) -> Any:
            await asyncio.sleep(SLOW if candidates[0].text == "good" else 0)
            return await FakeRewardModel({"better": 2.0, "good": 1.0}).score(request, candidates)

    stop = Decides(lambda p: Decision(stop="late") if p.rewards and not p.running else WAIT)
    pipeline, _, _ = pipeline_of(
        ["better", FakeCompletion("good", delay=0.05)], policy=_policy(Fixed(), stop)
    )
    object.__setattr__(pipeline, "reward_model", SlowForOne())
    ranking = await _ranked(pipeline, best_of=2)
    assert states(ranking) == {0: "rank 1", 1: "late"}
    assert ranking.candidates[1].failure is not None
    assert ranking.candidates[1].failure.detail == "not scored when the rule late stopped it"


async def test_a_rejected_candidate_is_replaced_while_others_run() -> None:
    def script(request: Request, index: int) -> FakeCompletion:
        return CUT if index == 0 else FakeCompletion("good", delay=0.1)

    pipeline, generator, _ = pipeline_of(script, policy=_policy(Fixed(), ReplaceRejected()))
    started_when_it_finished: dict[int, list[int]] = {}
    ranking = await _ranked(
        pipeline,
        best_of=2,
        observer=lambda c: started_when_it_finished.setdefault(c.index, [*generator.sampled]),
    )
    assert generator.sampled == [0, 1, 2]
    assert started_when_it_finished[1] == [0, 1, 2]
    assert [c.index for c in ranking.ranked] == [1, 2]


async def test_waves_are_one_round_and_another_is_sampled_where_all_were_rejected() -> None:
    policy = Policy(sampling=Waves(2))
    pipeline, generator, _ = pipeline_of([CUT], policy=policy)
    ranking = await _ranked(pipeline, best_of=4)
    assert len(generator.sampled) == 8, "max_rounds times best_of"
    assert (ranking.rounds, ranking.fallback) == (2, "best_rejected")


async def test_replacing_ends_with_the_budget() -> None:
    pipeline, generator, _ = pipeline_of([CUT], policy=_policy(Fixed(), ReplaceRejected()))
    ranking = await _ranked(pipeline, best_of=2)
    assert len(generator.sampled) == 4, "best_of times max_rounds"
    assert ranking.fallback == "best_rejected"


async def test_starts_beyond_the_budget_are_clipped() -> None:
    greedy = Decides(lambda p: WAIT if p.sampled else Decision(start=1000))
    pipeline, generator, _ = pipeline_of(["good"], policy=_policy(greedy))
    await _ranked(pipeline)
    assert len(generator.sampled) == 8


async def test_a_controller_that_would_start_for_ever_fails_the_request_in_one_sentence() -> None:
    endless = Decides(lambda progress: Decision(start=1))
    pipeline, generator, _ = pipeline_of(["good"], policy=_policy(endless))
    with pytest.raises(ControllerError, match="would start candidates for ever: 8 were") as caught:
        await _ranked(pipeline)
    assert "\n" not in str(caught.value)
    assert caught.value.ranking is not None
    assert len(caught.value.ranking.candidates) == len(generator.sampled) == 8


async def test_a_controller_that_raises_fails_the_request_and_everything_is_aborted() -> None:
    def decide(progress: Progress) -> Decision:
        if progress.finished:
            raise KeyError("votes")
        return WAIT if progress.running else Decision(start=3)

    script = ["good", FakeCompletion("x", delay=SLOW), FakeCompletion("y", delay=SLOW)]
    pipeline, generator, _ = pipeline_of(script, policy=_policy(Decides(decide)))
    before = asyncio.all_tasks()
    with pytest.raises(ControllerError, match="the controller raised KeyError: 'votes'") as caught:
        await _ranked(pipeline, best_of=3)
    assert sorted(generator.aborted) == [1, 2]
    assert generator.closed == 1
    assert asyncio.all_tasks() <= before
    assert caught.value.ranking is not None
    assert states(caught.value.ranking) == {
        0: "rank None",
        1: "controller_error",
        2: "controller_error",
    }


async def test_a_controller_that_returns_no_decision_is_named() -> None:
    broken = Decides(lambda progress: None)  # type: ignore[arg-type, return-value]
    pipeline, _, _ = pipeline_of(["good"], policy=_policy(broken))
    with pytest.raises(ControllerError, match="returned NoneType, which is no Decision"):
        await _ranked(pipeline)


@pytest.mark.parametrize(
    "budget", [Budget(candidates=9, tokens=2), Budget(candidates=9, seconds=0.1)]
)
async def test_tokens_and_seconds_of_the_budget_stop_the_request(budget: Budget) -> None:
    script = ["good one", FakeCompletion("late", delay=SLOW)]
    policy = Policy("best_rejected", budget=budget)
    pipeline, _, _ = pipeline_of(script, lambda r, c: 1.0, policy=policy)
    ranking = await _ranked(pipeline, best_of=2)
    assert ranking.stopped_by == "budget"
    assert states(ranking)[1] == "budget"


async def test_one_candidate_of_several_can_be_pruned_by_the_score_of_its_snapshot() -> None:
    """As speculative rejection does: score snapshots, abort the worst, let the others finish."""

    def prune(progress: Progress) -> Decision:
        unscored = {i for i, r in progress.running.items() if r.latest and r.reward is None}
        bad = [i for i, r in progress.running.items() if r.reward is not None and r.reward < 0]
        return Decision(score=frozenset(unscored), abort=dict.fromkeys(bad, "pruned"))

    script = [
        FakeCompletion("good", delay=0.2, snapshots=["go"]),
        FakeCompletion("bad and long", delay=SLOW, snapshots=["bad"] * 600),
    ]
    rewards = {"go": 0.5, "good": 1.0, "bad": -1.0}
    pipeline, generator, _ = pipeline_of(script, rewards, policy=_policy(Fixed(), Decides(prune)))
    assert pipeline.snapshots
    ranking = await _ranked(pipeline, best_of=2)
    assert generator.aborted == [1]
    assert states(ranking) == {0: "rank 1", 1: "pruned"}
    assert ranking.candidates[1].candidate.finish_reason == "abort"
    assert ranking.candidates[1].reward is None
    assert (ranking.stopped, ranking.stopped_by) == ({"pruned": 1}, None)


async def test_an_aborted_candidate_that_never_comes_back_is_not_waited_for() -> None:
    class Deaf(FakeGenerator):
        def sample(self, request: Request, indices: Any) -> Any:
            sampling = super().sample(request, indices)
            sampling.abort = lambda index: None  # type: ignore[method-assign]
            return sampling

    generator = Deaf([FakeCompletion("good", delay=0.05), FakeCompletion("late", delay=SLOW)])
    pipeline, _, _ = pipeline_of(generator, policy=_policy(Fixed(), Enough(0.5)))
    async with asyncio.timeout(10):
        ranking = await _ranked(pipeline, best_of=2)
    assert states(ranking) == {0: "rank 1", 1: "enough"}
    assert generator.closed == 1


async def test_a_controller_is_asked_once_for_all_that_happens_in_one_turn() -> None:
    counting = Decides(lambda progress: WAIT)
    pipeline, _, _ = pipeline_of(["good"], policy=_policy(Fixed(), counting))
    await _ranked(pipeline, best_of=64)
    assert counting.asked < 10


async def test_a_controller_that_always_wants_to_be_woken_does_not_starve_the_loop() -> None:
    impatient = Decides(lambda progress: Decision(wake=0.0))
    script = [FakeCompletion("good", delay=0.1)]
    pipeline, _, _ = pipeline_of(script, policy=_policy(Fixed(), impatient))
    await _ranked(pipeline, best_of=1)
    assert 1 < impatient.asked < 300


class Tells(Observer):
    """Keeps the names of what it was told, in order."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def __getattribute__(self, name: str) -> Any:
        if not name.startswith("_") and name != "told":
            self.told.append(name)
        return super().__getattribute__(name)


async def test_an_observer_is_told_what_happens_in_order() -> None:
    observer = Tells()
    pipeline, _, _ = pipeline_of([FakeCompletion("good", delay=0.01, snapshots=["go"])])
    await _ranked(pipeline, best_of=1, observer=observer)
    told = observer.told
    assert told.index("finished") < told.index("sampling_ended"), "scoring goes on beside it"
    assert [each for each in told if each != "sampling_ended"] == [
        "decided",
        "started",
        "snapshot",
        "finished",
        "score_started",
        "score_ended",
        "scored",
        "selecting",
        "selected",
        "ended",
    ]


async def test_an_observer_hears_the_end_of_sampling_of_a_cancelled_request() -> None:
    observer = Tells()
    pipeline, generator, _ = pipeline_of([FakeCompletion("x", delay=SLOW)])
    task = asyncio.create_task(_ranked(pipeline, best_of=2, observer=observer))
    while not generator.sampled:
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert observer.told == ["decided", "started", "sampling_ended", "ended"]
