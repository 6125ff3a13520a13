"""A replay decides as the live run does, and counts what it would have cost."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Sequence

import pytest

from bestofn.control.accepted import Accepted
from bestofn.control.enough import Enough
from bestofn.control.plateau import Plateau
from bestofn.control.policy import Policy
from bestofn.control.waves import Waves
from bestofn.core.best_of_n import best_of_n
from bestofn.core.controller import Controller
from bestofn.core.pipeline import Pipeline
from bestofn.core.ranking import ScoredCandidate
from bestofn.core.types import Candidate, Rejection, Request
from bestofn.selection.argmax import ArgmaxSelector
from bestofn.testing import FakeRewardModel
from bestofn.tuning.replay import Replay
from tests.support.progress import record

REQUEST = Request.from_prompt("x", best_of=6)
LENGTHS = (30, 10, 50, 20, 60, 40)
REWARDS = (1.0, 3.0, 5.0, 2.0, 9.0, 0.5)


def recorded(lengths: Sequence[int] = LENGTHS) -> list[ScoredCandidate]:
    """Accepted candidates of these tokens, with the rewards above."""
    made = [record(i, REWARDS[i], tokens=tokens) for i, tokens in enumerate(lengths)]
    return [
        dataclasses.replace(
            each,
            candidate=dataclasses.replace(
                each.candidate, message={"role": "assistant", "content": f"answer {each.index}"}
            ),
        )
        for each in made
    ]


async def test_everything_is_sampled_and_ranked_where_nothing_stops_it() -> None:
    run = Replay(recorded())
    ranking = await best_of_n(REQUEST, run.pipeline(ArgmaxSelector(), Policy()))
    assert ranking.winner is not None
    assert ranking.winner.index == 4
    assert ranking.usage.completion_tokens == sum(LENGTHS)
    assert run.steps == 60


async def test_k_of_n_pays_for_the_aborted_as_far_as_they_had_come() -> None:
    run = Replay(recorded())
    pipeline = run.pipeline(ArgmaxSelector(), Policy(stop=Accepted(3)))
    ranking = await best_of_n(REQUEST, pipeline)
    assert run.steps == 30
    assert ranking.usage.completion_tokens == 10 + 20 + 30 + 3 * 30
    assert ranking.stopped == {"accepted": 3}
    assert ranking.stopped_by == "accepted"
    assert ranking.winner is not None
    assert ranking.winner.index == 1, "the best of those that had finished"


async def test_waves_begin_where_the_one_before_ended() -> None:
    run = Replay(recorded())
    policy = Policy(sampling=Waves(2), stop=Enough(reward=4.5))
    ranking = await best_of_n(REQUEST, run.pipeline(ArgmaxSelector(), policy))
    assert run.steps == 30 + 50
    assert len(ranking.candidates) == 4
    assert ranking.usage.completion_tokens == 30 + 10 + 50 + 20


async def test_what_was_rejected_is_rejected_again() -> None:
    records = recorded()
    cut = (Rejection("truncation", "length", "it reached the limit"),)
    records[4] = dataclasses.replace(records[4], rejections=cut, reward=None)
    ranking = await best_of_n(REQUEST, Replay(records).pipeline(ArgmaxSelector(), Policy()))
    assert ranking.rejected == {"length": 1}
    assert ranking.winner is not None
    assert ranking.winner.index == 2


class OneByOne:
    """A live engine whose candidates finish one by one, by their length, each when all that the one
    before has brought about is done."""

    def __init__(self, indices: Sequence[int]) -> None:
        self._left = sorted(indices, key=lambda index: LENGTHS[index])
        self._aborted: list[int] = []

    def sample(self, request: Request, indices: Sequence[int]) -> OneByOne:
        return OneByOne(indices)

    def __aiter__(self) -> OneByOne:
        return self

    async def __anext__(self) -> Candidate:
        for _ in range(30):
            await asyncio.sleep(0)
        if not self._left:
            raise StopAsyncIteration
        index = next((each for each in self._left if each in self._aborted), self._left[0])
        self._left.remove(index)
        reason = "abort" if index in self._aborted else "stop"
        return dataclasses.replace(recorded()[index].candidate, finish_reason=reason)

    def abort(self, index: int) -> None:
        self._aborted.append(index)

    async def aclose(self) -> None:
        pass


@pytest.mark.parametrize(
    "rule", [Accepted(2), Enough(reward=2.5), Enough(reward=0.9, count=3), Plateau(True, 2)]
)
async def test_a_replay_decides_as_the_live_run_does(rule: Controller) -> None:
    rewards = FakeRewardModel(lambda request, candidate: REWARDS[candidate.index])
    policy = Policy(stop=rule)
    live = await best_of_n(REQUEST, Pipeline(OneByOne(()), ArgmaxSelector(), (), rewards, policy))
    again = await best_of_n(REQUEST, Replay(recorded()).pipeline(ArgmaxSelector(), policy))
    assert live.stopped_by == again.stopped_by is not None
    assert [each.index for each in live.ranked] == [each.index for each in again.ranked]
    assert len(again.ranked) < len(LENGTHS)
