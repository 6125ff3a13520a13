"""A replay decides as the live run does, and counts what it would have cost."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Sequence

import pytest

from bestofn.answers.text import TextKey
from bestofn.control.accepted import Accepted
from bestofn.control.enough import Enough
from bestofn.control.plateau import Plateau
from bestofn.control.policy import Policy
from bestofn.control.waves import Waves
from bestofn.core.best_of_n import best_of_n
from bestofn.core.controller import Controller
from bestofn.core.no_winner import NothingAcceptableError
from bestofn.core.pipeline import Pipeline
from bestofn.core.ranking import ScoredCandidate
from bestofn.core.types import Candidate, Failure, Rejection, Request
from bestofn.selection.argmax import ArgmaxSelector
from bestofn.selection.vote import VoteSelector
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


@pytest.mark.parametrize("rewards", [True, False])
async def test_what_a_filter_failed_on_fails_again_and_is_not_logged(
    rewards: bool, caplog: pytest.LogCaptureFixture
) -> None:
    failure = Failure("filter_error", "the filter mine raised KeyError: 'x'")
    records = [dataclasses.replace(e, reward=e.reward if rewards else None) for e in recorded()]
    records[4] = dataclasses.replace(records[4], failure=failure, reward=None)
    selector = ArgmaxSelector() if rewards else VoteSelector(TextKey())
    ranking = await best_of_n(REQUEST, Replay(records).pipeline(selector, Policy()))
    assert ranking.failed == {"filter_error": 1}
    assert next(e.failure for e in ranking.candidates if e.index == 4) == failure
    assert 4 not in [each.index for each in ranking.ranked]
    assert not caplog.records


async def test_what_was_stopped_before_it_was_scored_fails_again() -> None:
    """Without rewards in the draw nothing scores, which would give the failure back."""
    late = Failure("deadline", "not scored at the deadline")
    records = [dataclasses.replace(e, failure=late, reward=None) for e in recorded()]
    with pytest.raises(NothingAcceptableError) as caught:
        await best_of_n(REQUEST, Replay(records).pipeline(VoteSelector(TextKey()), Policy()))
    assert caught.value.ranking is not None
    assert caught.value.ranking.failed == {"deadline": 6}


async def test_where_one_has_no_count_all_come_as_they_are_sampled_at_an_unknown_cost() -> None:
    records = recorded()
    unknown = dataclasses.replace(records[2].candidate, completion_tokens=None, group_tokens=None)
    records[2] = dataclasses.replace(records[2], candidate=unknown)
    run = Replay(records)
    ranking = await best_of_n(REQUEST, run.pipeline(ArgmaxSelector(), Policy(stop=Accepted(2))))
    assert (run.steps, ranking.usage.completion_tokens) == (None, None)
    assert [each.index for each in ranking.ranked] == [1, 0], "the first two, and not the shortest"


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
