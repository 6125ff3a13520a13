"""Stopping rules beside what else bounds a request: the deadline, n, rounds, and another call."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Sequence
from typing import Any

from bestofn.answers.number import NumberKey
from bestofn.control.accepted import Accepted
from bestofn.control.agreement import Agreement
from bestofn.control.fixed import Fixed
from bestofn.control.policy import Policy
from bestofn.control.replace import ReplaceRejected
from bestofn.control.waves import Waves
from bestofn.core.best_of_n import best_of_n
from bestofn.core.controller import Budget, Chain, Decision, Progress
from bestofn.core.pipeline import Pipeline
from bestofn.core.protocols import RewardModel
from bestofn.core.ranking import DEADLINE
from bestofn.core.types import Candidate, Request, Score
from bestofn.selection.argmax import ArgmaxSelector
from bestofn.testing import FakeCompletion, FakeGenerator
from tests.support.scripts import CUT, FILTERS, pipeline_of


class _Slow:
    """Scores by calls that take so many seconds, one after the other; the last takes for ever."""

    compares = False

    def __init__(self, *seconds: float) -> None:
        self._seconds = iter(seconds)

    async def score(self, request: Request, candidates: Sequence[Candidate]) -> list[Score]:
        await asyncio.sleep(next(self._seconds, 30))
        return [Score.of(1.0) for _ in candidates]


def _pipeline(script: Any, policy: Policy, rewards: RewardModel | None = None) -> Pipeline:
    generator = FakeGenerator(script)
    return Pipeline(generator, ArgmaxSelector(), FILTERS, rewards, policy)


async def test_the_deadline_holds_after_a_rule_has_stopped() -> None:
    script = ["a", FakeCompletion("b", delay=0.05), FakeCompletion("c", delay=0.1)]
    policy = Policy(deadline_seconds=0.4, stop=Accepted(3))
    pipeline = _pipeline(script, policy, _Slow(0))
    ranking = await best_of_n(Request.from_prompt("x", best_of=4), pipeline)
    assert ranking.winner is not None
    assert ranking.winner.index == 0
    assert ranking.deadline_reached


async def test_a_rule_leaves_as_many_as_the_client_asks_for() -> None:
    script = [FakeCompletion(f"a{i}", delay=i / 100) for i in range(8)]
    pipeline = _pipeline(script, Policy(stop=Accepted(1)))
    ranking = await best_of_n(Request.from_prompt("x", best_of=8, n=4), pipeline)
    assert sum(each.accepted for each in ranking.candidates) == 4
    assert ranking.stopped_by == "accepted"


async def test_all_rejected_at_once_with_replacements_is_no_loop() -> None:
    policy = Policy(sampling=Chain((Fixed(), ReplaceRejected())), max_rounds=3)
    pipeline, generator, _ = pipeline_of([CUT], policy=policy)
    ranking = await best_of_n(Request.from_prompt("x", best_of=2), pipeline)
    assert ranking.fallback == "best_rejected"
    assert len(generator.sampled) <= 6


async def test_a_request_that_is_made_twice_votes_with_its_own_answers() -> None:
    texts = iter([*["4"] * 8, *"12345678"])
    generator = FakeGenerator(lambda request, index: FakeCompletion(next(texts), delay=index / 100))
    pipeline = Pipeline(
        generator, ArgmaxSelector(), policy=Policy(stop=Agreement(NumberKey()), least=4)
    )
    request = Request.from_prompt("Say a number.", best_of=8)
    assert (await best_of_n(request, pipeline)).stopped_by == "agreement"
    assert (await best_of_n(request, pipeline)).stopped_by is None


async def test_a_deadline_that_keeps_a_wave_from_starting_is_told() -> None:
    pipeline = _pipeline(["a"], Policy(deadline_seconds=0.1, sampling=Waves(2)), _Slow(0.2))
    ranking = await best_of_n(Request.from_prompt("x", best_of=8), pipeline)
    assert (ranking.stopped_by, len(ranking.candidates)) == (DEADLINE, 2)


async def test_seconds_that_are_used_up_are_not_asked_about_again_and_again() -> None:
    asked = 0

    class Counting:
        def decide(self, progress: Progress) -> Decision:
            nonlocal asked
            asked += 1
            return Fixed().decide(progress)

    policy = Policy(sampling=Counting(), budget=Budget(seconds=0.05))
    await best_of_n(Request.from_prompt("x", best_of=1), _pipeline(["a"], policy, _Slow(0.3)))
    assert asked < 10


async def test_some_rejected_and_some_failed_with_replacements_is_no_loop() -> None:
    outcomes = iter("eeebbbeeeeebbbeb")
    policy = Policy(sampling=Chain((Fixed(), ReplaceRejected())), max_rounds=3)

    def next_one(request: Request, index: int) -> FakeCompletion:
        return CUT if next(outcomes) == "b" else FakeCompletion(error="gone")

    pipeline, _, _ = pipeline_of(next_one, policy=policy)
    ranking = await best_of_n(Request.from_prompt("x", best_of=4), pipeline)
    assert ranking.fallback == "best_rejected"


async def test_the_rule_that_ended_it_is_told_past_the_deadline_too() -> None:
    script = ["a", *[FakeCompletion("b", delay=5)] * 7]
    policy = Policy(deadline_seconds=0.08, stop=Accepted(1))
    ranking = await best_of_n(
        Request.from_prompt("x", best_of=8), _pipeline(script, policy, _Slow(0.3))
    )
    assert ranking.stopped_by == "accepted"


async def test_what_votes_is_not_kept_once_its_request_has_ended() -> None:
    answers = [FakeCompletion("4", delay=i / 100) for i in range(4)]
    generator = FakeGenerator(answers)
    pipeline = Pipeline(generator, ArgmaxSelector(), policy=Policy(stop=Agreement(NumberKey())))
    ranking = await best_of_n(Request.from_prompt("x", best_of=4), pipeline)
    ids = {id(each.candidate) for each in ranking.candidates}
    del ranking
    gc.collect()
    assert not [each for each in gc.get_objects() if id(each) in ids and type(each) is Candidate]
