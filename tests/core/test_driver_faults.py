"""What may go wrong around the driver: nothing hangs, nothing is lost, the caps hold."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

import pytest

from bestofn.control.deadline import Deadline
from bestofn.control.fixed import Fixed
from bestofn.control.policy import Policy
from bestofn.control.replace import ReplaceRejected
from bestofn.control.waves import Waves
from bestofn.core import streams
from bestofn.core.best_of_n import best_of_n
from bestofn.core.controller import WAIT, Budget, Chain, Controller, Decision, Progress
from bestofn.core.errors import RequestError
from bestofn.core.no_winner import (
    ControllerError,
    DeadlineError,
    GeneratorError,
    NothingAcceptableError,
    RewardError,
)
from bestofn.core.observer import Observer
from bestofn.core.pipeline import Pipeline
from bestofn.core.ranking import Ranking
from bestofn.core.types import Candidate, Request, Score
from bestofn.selection.argmax import ArgmaxSelector
from bestofn.testing import FakeCompletion, FakeGenerator, FakeRewardModel
from tests.support.scripts import CUT, FILTERS, REWARDS, pipeline_of, states

SLOW = 60.0


pytestmark = pytest.mark.timeout(60)


@pytest.fixture(autouse=True)
async def no_task_is_left() -> AsyncIterator[None]:
    """No task outlives its test."""
    before = asyncio.all_tasks()
    yield
    assert asyncio.all_tasks() - before <= {asyncio.current_task()}


class Decides:
    """A controller made of a function."""

    def __init__(self, decide: Callable[[Progress], Decision]) -> None:
        self.decide = decide


def _chain(*controllers: Controller, **fields: Any) -> Policy:
    return Policy("best_rejected", sampling=Chain(controllers), **fields)


async def _ranked(pipeline: Pipeline, best_of: int = 4, **further: Any) -> Ranking:
    return await best_of_n(Request.from_prompt("x", best_of=best_of), pipeline, **further)


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
    ranking = await _ranked(pipeline, observer=Started())
    assert ranking.winner is not None
    assert max(started) - began < 0.1
    assert len(generator.sampled) <= 8


class Stalled(FakeGenerator):
    """Gives all its candidates, and does not end then."""

    def sample(self, request: Request, indices: Sequence[int]) -> Any:
        sampling = super().sample(request, indices)
        ending = sampling.__anext__

        async def anext_or_never() -> Candidate:
            try:
                return await ending()
            except StopAsyncIteration:
                await asyncio.sleep(SLOW)
                raise

        class Endless:
            def __aiter__(self) -> Any:
                return self

            async def __anext__(self) -> Candidate:
                return await anext_or_never()

            abort = staticmethod(sampling.abort)
            aclose = staticmethod(sampling.aclose)

        return Endless()


async def test_a_sampling_that_gave_everything_and_does_not_end_is_not_waited_for() -> None:
    pipeline, generator, _ = pipeline_of(Stalled(["good", "better"]))
    ranking = await _ranked(pipeline, best_of=2)
    assert states(ranking) == {1: "rank 1", 0: "rank 2"}
    assert generator.closed == 1


async def test_a_sampling_that_does_not_close_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "CLOSING_SECONDS", 0.05)
    released = asyncio.Event()

    class Unclosing(FakeGenerator):
        def sample(self, request: Request, indices: Sequence[int]) -> Any:
            sampling = super().sample(request, indices)

            async def aclose() -> None:
                while not released.is_set():
                    try:
                        await released.wait()
                    except asyncio.CancelledError:
                        continue

            sampling.aclose = aclose  # type: ignore[method-assign]
            return sampling

    pipeline, _, _ = pipeline_of(Unclosing(["good"]))
    try:
        ranking = await _ranked(pipeline, best_of=1)
    finally:
        released.set()
        await asyncio.sleep(0.01)
    assert states(ranking) == {0: "rank 1"}


@pytest.mark.parametrize("error", [asyncio.CancelledError(), StopIteration("x"), KeyError("x")])
async def test_whatever_a_reward_model_raises_is_its_fault(error: BaseException) -> None:
    class Raises:
        async def score(self, request: Request, candidates: Sequence[Candidate]) -> list[Score]:
            raise error

    pipeline = Pipeline(FakeGenerator(["good"]), ArgmaxSelector(), FILTERS, Raises())
    with pytest.raises(RewardError, match="the reward model failed") as caught:
        await _ranked(pipeline, best_of=2)
    assert caught.value.ranking is not None
    assert len(caught.value.ranking.candidates) == 2


async def test_whatever_a_filter_raises_fails_its_candidate() -> None:
    class Raises:
        name = "odd"

        def check(self, request: Request, candidate: Candidate) -> None:
            raise asyncio.CancelledError

    pipeline, generator, _ = pipeline_of(["good"], filters=(Raises(),))
    with pytest.raises(NothingAcceptableError, match="filter odd raised CancelledError"):
        await _ranked(pipeline)
    assert len(generator.sampled) == 4


@pytest.mark.parametrize(
    ("point", "script"),
    [
        ("started", ["good"]),
        ("finished", ["good"]),
        ("finished", [FakeCompletion("late", delay=SLOW)]),
        ("sampling_ended", ["good"]),
        ("score_started", ["good"]),
        ("score_ended", ["good"]),
        ("scored", ["good"]),
        ("decided", ["good"]),
        ("selecting", ["good"]),
        ("selected", ["good"]),
    ],
)
async def test_an_observer_that_raises_fails_the_request_and_leaves_nothing(
    point: str, script: list[Any]
) -> None:
    def raises(*_: Any) -> None:
        raise ZeroDivisionError(point)

    observer = Observer()
    setattr(observer, point, raises)
    policy = Policy("best_rejected", deadline_seconds=0.2)
    pipeline, generator, _ = pipeline_of(script, policy=policy)
    with pytest.raises(ZeroDivisionError):
        await _ranked(pipeline, observer=observer)
    assert generator.closed == (point not in ("decided", "started"))


@pytest.mark.parametrize(
    ("policy", "kind", "sentence"),
    [
        (_chain(Decides(lambda p: Decision(stop="never"))), NothingAcceptableError, "rule never"),
        (_chain(Decides(lambda p: WAIT)), NothingAcceptableError, "no candidate was sampled"),
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
        await _ranked(pipeline)
    assert generator.sampled == []


async def test_a_budget_below_best_of_is_no_fault_of_the_controller() -> None:
    for sampling in (Fixed(), Waves(1)):
        policy = Policy(sampling=sampling, budget=Budget(candidates=2))
        pipeline, generator, _ = pipeline_of(["good"], policy=policy)
        ranking = await _ranked(pipeline)
        assert len(generator.sampled) == 2
        assert (len(ranking.ranked), ranking.stopped_by) == (2, "budget")


async def test_used_up_tokens_end_sampling_and_not_scoring() -> None:
    policy = Policy("best_rejected", budget=Budget(tokens=4))
    pipeline, _, _ = pipeline_of(["good", "better"], FakeRewardModel(REWARDS, delay=0.05))
    pipeline = Pipeline(
        pipeline.generator, pipeline.selector, FILTERS, pipeline.reward_model, policy
    )
    ranking = await _ranked(pipeline)
    assert [c.reward for c in ranking.ranked] == [2.0, 2.0, 1.0, 1.0]
    rejected, _, _ = pipeline_of([CUT], policy=policy)
    assert (await _ranked(rejected)).fallback == "best_rejected"


async def test_the_cap_on_candidates_counts_what_was_started() -> None:
    endless = Decides(lambda p: Decision(start=1) if not p.running else WAIT)
    pipeline, generator, _ = pipeline_of([CUT], policy=_chain(endless))
    with pytest.raises(ControllerError, match="for ever"):
        await _ranked(pipeline)
    assert len(generator.sampled) == 8


async def test_a_deadline_rule_of_ones_own_needs_no_seconds_for_its_sentence() -> None:
    script = [FakeCompletion("late", delay=SLOW)]
    pipeline, _, _ = pipeline_of(script, policy=_chain(Deadline(0.05), Fixed()))
    with pytest.raises(DeadlineError, match="nothing acceptable finished in time"):
        await _ranked(pipeline)


async def test_a_fallback_that_is_scored_late_does_not_say_that_it_was_stopped() -> None:
    rewards = FakeRewardModel(REWARDS, delay=0.3)
    policy = Policy("best_rejected", deadline_seconds=0.1)
    pipeline, _, _ = pipeline_of([CUT], rewards, policy=policy)
    ranking = await _ranked(pipeline, best_of=1)
    assert (ranking.fallback, ranking.deadline_reached) == ("best_rejected", False)


async def test_a_reward_that_failed_before_is_asked_for_again() -> None:
    broken, _, _ = pipeline_of(["good"], FakeRewardModel({}, raises=RewardError("oom")))
    with pytest.raises(RewardError) as caught:
        await _ranked(broken, best_of=1)
    whole, _, _ = pipeline_of(["good"])
    ranking = await _ranked(whole, best_of=2, earlier=caught.value.ranking)
    assert [c.reward for c in ranking.ranked] == [1.0, 1.0]


@pytest.mark.parametrize("method", ["abort", "aclose"])
async def test_a_generator_that_fails_when_it_is_stopped_loses_nothing(method: str) -> None:
    class Fails(FakeGenerator):
        def sample(self, request: Request, indices: Sequence[int]) -> Any:
            sampling = super().sample(request, indices)
            real = getattr(sampling, method)

            def abort(index: int) -> None:
                raise GeneratorError("gone")

            async def aclose() -> None:
                await real()
                raise GeneratorError("gone")

            setattr(sampling, method, abort if method == "abort" else aclose)
            return sampling

    generator = Fails(["good", FakeCompletion("late", delay=0.2)])
    policy = Policy("best_rejected", deadline_seconds=0.1)
    pipeline, _, _ = pipeline_of(generator, policy=policy)
    ranking = await _ranked(pipeline, best_of=2)
    assert [c.index for c in ranking.ranked] == [0]


async def test_a_snapshot_is_scored_once_and_the_newest_only() -> None:
    greedy = Decides(
        lambda p: Decision(score=frozenset(i for i, r in p.running.items() if r.latest))
    )
    slow = FakeRewardModel(lambda request, c: float(len(c.text)), delay=0.05)
    script = [FakeCompletion("a b c d", delay=0.4, snapshots=[f"{'a ' * n}" for n in range(1, 40)])]
    pipeline, _, _ = pipeline_of(script, slow, policy=_chain(Fixed(), greedy))
    ranking = await _ranked(pipeline, best_of=2)
    texts = [c.text for _, batch in slow.calls for c in batch]
    assert len(texts) < 40
    assert all(len(batch) <= 2 for _, batch in slow.calls)
    assert len(ranking.ranked) == 2


async def test_a_comparing_reward_model_scores_no_snapshots_and_the_ranking_says_so() -> None:
    score = Decides(lambda p: Decision(score=frozenset(p.running)))
    rewards = FakeRewardModel(REWARDS, compares=True)
    script = [FakeCompletion("good", delay=0.05, snapshots=["go", "goo"])]
    pipeline, _, _ = pipeline_of(script, rewards, policy=_chain(Fixed(), score))
    ranking = await _ranked(pipeline, best_of=1)
    assert ranking.notes == ("the reward model compares whole answers: snapshots are not scored",)
    assert len(rewards.calls) == 1


async def test_a_second_cancellation_leaves_nothing_running() -> None:
    rewards = FakeRewardModel(REWARDS, delay=SLOW)
    pipeline, _, _ = pipeline_of(["good", FakeCompletion("late", delay=SLOW)], rewards)
    task = asyncio.create_task(_ranked(pipeline, best_of=2))
    while not rewards.calls:
        await asyncio.sleep(0)
    task.cancel()
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await asyncio.sleep(0.05)
    assert rewards.finished == 0


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"start": 2.5}, "a Decision whose start is 2.5"),
        ({"abort": {7, 8}}, "a Decision whose abort is {8, 7}|a Decision whose abort is {7, 8}"),
        ({"wake": "x"}, "a Decision whose wake is 'x'"),
        ({"notes": "abc"}, "a Decision whose notes is 'abc'"),
    ],
)
async def test_a_malformed_decision_is_a_controller_error(fields: Any, sentence: str) -> None:
    policy = Policy(sampling=Decides(lambda p: Decision(**fields)), max_rounds=1)
    pipeline, _, _ = pipeline_of(["good"], policy=policy)
    with pytest.raises(ControllerError, match=sentence):
        await _ranked(pipeline)


async def test_a_controllers_fault_tells_what_scoring_has_cost() -> None:
    def decide(progress: Progress) -> Decision:
        if progress.rewards:
            raise ValueError("no")
        return Decision(start=1) if not progress.sampled else WAIT

    pipeline, _, _ = pipeline_of(["good"], policy=_chain(Decides(decide)))
    with pytest.raises(ControllerError) as caught:
        await _ranked(pipeline, best_of=1)
    assert caught.value.ranking is not None
    assert caught.value.ranking.usage.reward_tokens == 1


async def test_a_note_is_told_once_however_often_it_is_said() -> None:
    says = Decides(lambda p: Decision(notes=("careful",)))
    pipeline, _, _ = pipeline_of([FakeCompletion("good", delay=0.05)], policy=_chain(Fixed(), says))
    assert (await _ranked(pipeline)).notes == ("careful",)


async def test_a_refused_request_tells_observers_of_no_candidate() -> None:
    told: list[int] = []
    pipeline, _, _ = pipeline_of(FakeGenerator(["x"], raises=RequestError("too long")))
    with pytest.raises(RequestError, match="too long"):
        await _ranked(pipeline, observer=lambda c: told.append(c.index))
    assert told == []
