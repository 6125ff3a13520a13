"""What may go wrong around the driver: nothing hangs, and nothing is lost."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from bestofn.control.fixed import Fixed
from bestofn.control.policy import Policy
from bestofn.core import streams
from bestofn.core.controller import Decision
from bestofn.core.errors import RequestError
from bestofn.core.no_winner import (
    GeneratorError,
    NothingAcceptableError,
    RewardError,
)
from bestofn.core.observer import Observer
from bestofn.core.pipeline import Pipeline
from bestofn.core.types import Candidate, Request, Score
from bestofn.selection.argmax import ArgmaxSelector
from bestofn.testing import FakeCompletion, FakeGenerator, FakeRewardModel
from tests.support.driving import Decides, chained, ranked_by
from tests.support.scripts import FILTERS, REWARDS, pipeline_of, states

SLOW = 60.0

pytestmark = [pytest.mark.timeout(60), pytest.mark.usefixtures("no_task_is_left")]


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
    ranking = await ranked_by(pipeline, best_of=2)
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
        ranking = await ranked_by(pipeline, best_of=1)
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
        await ranked_by(pipeline, best_of=2)
    assert caught.value.ranking is not None
    assert len(caught.value.ranking.candidates) == 2


async def test_whatever_a_filter_raises_fails_its_candidate() -> None:
    class Raises:
        name = "odd"

        def check(self, request: Request, candidate: Candidate) -> None:
            raise asyncio.CancelledError

    pipeline, generator, _ = pipeline_of(["good"], filters=(Raises(),))
    with pytest.raises(NothingAcceptableError, match="filter odd raised CancelledError"):
        await ranked_by(pipeline)
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
        await ranked_by(pipeline, observer=observer)
    assert generator.closed == (point not in ("decided", "started"))


async def test_a_reward_that_failed_before_is_asked_for_again() -> None:
    broken, _, _ = pipeline_of(["good"], FakeRewardModel({}, raises=RewardError("oom")))
    with pytest.raises(RewardError) as caught:
        await ranked_by(broken, best_of=1)
    whole, _, _ = pipeline_of(["good"])
    ranking = await ranked_by(whole, best_of=2, earlier=caught.value.ranking)
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
    ranking = await ranked_by(pipeline, best_of=2)
    assert [c.index for c in ranking.ranked] == [0]


async def test_a_snapshot_is_scored_once_and_the_newest_only() -> None:
    greedy = Decides(
        lambda p: Decision(score=frozenset(i for i, r in p.running.items() if r.latest))
    )
    slow = FakeRewardModel(lambda request, c: float(len(c.text)), delay=0.05)
    script = [FakeCompletion("a b c d", delay=0.4, snapshots=[f"{'a ' * n}" for n in range(1, 40)])]
    pipeline, _, _ = pipeline_of(script, slow, policy=chained(Fixed(), greedy))
    ranking = await ranked_by(pipeline, best_of=2)
    texts = [c.text for _, batch in slow.calls for c in batch]
    assert len(texts) < 40
    assert all(len(batch) <= 2 for _, batch in slow.calls)
    assert len(ranking.ranked) == 2


async def test_a_comparing_reward_model_scores_no_snapshots_and_the_ranking_says_so() -> None:
    score = Decides(lambda p: Decision(score=frozenset(p.running)))
    rewards = FakeRewardModel(REWARDS, compares=True)
    script = [FakeCompletion("good", delay=0.05, snapshots=["go", "goo"])]
    pipeline, _, _ = pipeline_of(script, rewards, policy=chained(Fixed(), score))
    ranking = await ranked_by(pipeline, best_of=1)
    assert ranking.notes == ("the reward model compares whole answers: snapshots are not scored",)
    assert len(rewards.calls) == 1


async def test_a_second_cancellation_leaves_nothing_running() -> None:
    rewards = FakeRewardModel(REWARDS, delay=SLOW)
    pipeline, _, _ = pipeline_of(["good", FakeCompletion("late", delay=SLOW)], rewards)
    task = asyncio.create_task(ranked_by(pipeline, best_of=2))
    while not rewards.calls:
        await asyncio.sleep(0)
    task.cancel()
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await asyncio.sleep(0.05)
    assert rewards.finished == 0


async def test_a_refused_request_tells_observers_of_no_candidate() -> None:
    told: list[int] = []
    pipeline, _, _ = pipeline_of(FakeGenerator(["x"], raises=RequestError("too long")))
    with pytest.raises(RequestError, match="too long"):
        await ranked_by(pipeline, observer=lambda c: told.append(c.index))
    assert told == []
