"""Rounds after one in which all was rejected: sampled as the first, with more tokens if told."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from bestofn.answers.text import TextKey
from bestofn.control.accepted import Accepted
from bestofn.control.fixed import Fixed
from bestofn.control.policy import Policy
from bestofn.control.replace import ReplaceRejected
from bestofn.control.resample import Resample
from bestofn.control.waves import Waves
from bestofn.core.best_of_n import best_of_n
from bestofn.core.controller import Budget, Chain, Round
from bestofn.core.errors import RequestError
from bestofn.core.no_winner import NothingAcceptableError
from bestofn.core.pipeline import Pipeline
from bestofn.core.protocols import Filter
from bestofn.core.ranking import Ranking
from bestofn.core.types import Rejection, Request
from bestofn.filters.tool_calls import ToolCallsFilter
from bestofn.filters.truncation.filter import TruncationFilter
from bestofn.selection.vote import VoteSelector
from bestofn.testing import FakeCompletion, FakeGenerator, FakeSampling
from tests.support.progress import CERTAIN, progress, record

LOOP = (Rejection("repetition", "loop", "it goes round"),)
Script = Callable[[Request, int], FakeCompletion]


class Taking(FakeGenerator):
    """Refuses more tokens than it takes, as a server does, and may say how many it takes.

    Args:
        script: what it samples.
        most: tokens that it takes; None: any number.
        context: what it says of its model.
    """

    def __init__(
        self, script: Script, *, most: int | None = None, context: int | None = None
    ) -> None:
        super().__init__(script)
        self._most = most
        self.context = context

    def sample(self, request: Request, indices: Sequence[int]) -> FakeSampling:
        if self._most is not None and (request.max_tokens or 0) > self._most:
            raise RequestError(f"max_tokens is above {self._most}")
        return super().sample(request, indices)

    @property
    def limits(self) -> list[int | None]:
        """`max_tokens` of each wave."""
        return [each.max_tokens for each in self.requests]


def needs(tokens: int) -> Script:
    """Answers that are cut below so many tokens."""

    def script(request: Request, index: int) -> FakeCompletion:
        words = min(tokens, request.max_tokens or tokens)
        reason = "length" if words < tokens else "stop"
        return FakeCompletion(f"{index} " + "word " * (words - 1), reason)

    return script


def always(completion: FakeCompletion) -> Script:
    return lambda request, index: completion


CUT = always(FakeCompletion("cut off here", "length"))


async def ranked(
    generator: FakeGenerator,
    policy: Policy,
    *,
    filters: Sequence[Filter] = (TruncationFilter(),),
    **request: Any,
) -> Ranking:
    """What a request for four candidates of at most four tokens comes to."""
    asked = Request.from_prompt("a b", **{"best_of": 4, "max_tokens": 4, "seed": 7, **request})
    selector = VoteSelector(TextKey())
    return await best_of_n(asked, Pipeline(generator, selector, filters, None, policy))


async def test_a_later_round_samples_in_waves_as_the_first_does() -> None:
    generator = Taking(CUT)
    await ranked(generator, Policy(sampling=Waves(2), max_rounds=2))
    assert [len(generator.requests), generator.sampled] == [4, list(range(8))]


async def test_a_later_round_in_waves_is_sampled_to_its_end_though_one_is_accepted() -> None:
    def script(request: Request, index: int) -> FakeCompletion:
        return FakeCompletion("good.") if index == 4 else FakeCompletion("cut", "length")

    generator = Taking(script)
    ranking = await ranked(generator, Policy(sampling=Waves(2), max_rounds=3))
    assert generator.sampled == list(range(8))
    assert (ranking.rounds, ranking.winner and ranking.winner.index) == (2, 4)


async def test_a_rule_stops_between_the_waves_of_a_later_round() -> None:
    def script(request: Request, index: int) -> FakeCompletion:
        return FakeCompletion("good.") if index == 4 else FakeCompletion("cut", "length")

    generator = Taking(script)
    policy = Policy(sampling=Waves(1), max_rounds=2, stop=Accepted(1))
    ranking = await ranked(generator, policy)
    assert (generator.sampled, ranking.stopped_by) == ([0, 1, 2, 3, 4], "accepted")


async def test_replacements_begin_no_round_of_their_own() -> None:
    def script(request: Request, index: int) -> FakeCompletion:
        return FakeCompletion("cut", "length") if index == 0 else FakeCompletion("good.")

    generator = Taking(script)
    sampling = Chain((Waves(4), ReplaceRejected()))
    await ranked(generator, Policy(sampling=sampling, max_rounds=3))
    assert generator.sampled == [0, 1, 2, 3, 4]


async def test_a_round_after_cut_candidates_has_more_tokens() -> None:
    generator = Taking(needs(7))
    ranking = await ranked(generator, Policy(grow=2))
    assert generator.limits == [4, 8]
    winner = ranking.winner
    assert winner is not None
    assert winner.candidate.finish_reason == "stop"
    assert [each.candidate.seed for each in sorted(ranking.candidates, key=_index)] == [
        7 + i for i in range(8)
    ], "seeds go on, whatever the limit"
    assert ranking.usage.completion_tokens == 4 * 4 + 4 * 7
    assert "max_tokens 8, before 4" in ranking.notes[0]


def _index(record: Any) -> int:
    return int(record.index)


async def test_each_round_grows_from_the_one_before() -> None:
    generator = Taking(needs(15))
    await ranked(generator, Policy(grow=2, max_rounds=3))
    assert generator.limits == [4, 8, 16]


async def test_without_being_told_a_round_has_the_same_limit() -> None:
    generator = Taking(CUT)
    await ranked(generator, Policy())
    assert generator.limits == [4, 4]


async def test_a_limit_grows_up_to_the_context_less_the_prompt() -> None:
    generator = Taking(CUT, context=8)
    await ranked(generator, Policy(grow=10))
    assert generator.limits == [4, 6], "the prompt has two tokens"


async def test_a_limit_does_not_grow_where_the_context_is_used_up() -> None:
    generator = Taking(CUT, context=6)
    ranking = await ranked(generator, Policy(grow=2))
    assert (generator.limits, ranking.notes) == ([4, 4], ())


async def test_a_limit_grows_up_to_what_the_budget_gives_one_candidate() -> None:
    generator = Taking(CUT)
    await ranked(generator, Policy(grow=10, budget=Budget(candidate_tokens=9)))
    assert generator.limits == [4, 9]


async def test_a_round_never_has_fewer_tokens_than_the_one_that_was_cut() -> None:
    generator = Taking(CUT)
    policy = Policy(grow=2, budget=Budget(candidate_tokens=2))
    await ranked(generator, policy, max_tokens=None)
    assert generator.limits == [None, None], "three tokens were sampled, and two are the cap"


async def test_without_a_limit_of_the_request_it_grows_from_where_candidates_were_cut() -> None:
    generator = Taking(CUT)
    await ranked(generator, Policy(grow=2), max_tokens=None)
    assert generator.limits == [None, 6], "three tokens were sampled"


async def test_what_the_engine_refuses_for_its_raised_limit_loses_nothing() -> None:
    generator = Taking(CUT, most=6)
    ranking = await ranked(generator, Policy(grow=2, max_rounds=3))
    assert generator.limits == [4, 4], "the round after a refused one has the request's own"
    assert (ranking.fallback, len(ranking.candidates)) == ("best_rejected", 12)
    failure = next(each.failure for each in ranking.candidates if each.index == 4)
    assert failure is not None
    assert "raised max_tokens 8: max_tokens is above 6" in failure.detail


async def test_a_request_that_the_engine_refuses_fails_as_before() -> None:
    with pytest.raises(RequestError, match="above 3"):
        await ranked(Taking(CUT, most=3), Policy(grow=2))


def test_loops_do_not_make_a_limit_grow() -> None:
    looping = [record(i, rejections=LOOP, finish_reason="length") for i in range(4)]
    assert Resample(2, grow=2).decide(progress(looping)).round == Round(4)


def test_one_cut_candidate_makes_the_limit_grow() -> None:
    some = [record(i, rejections=CERTAIN) for i in range(3)]
    some.append(record(3, rejections=CERTAIN, finish_reason="length", tokens=20))
    assert Resample(2, grow=1.5).decide(progress(some)).round == Round(4, 30)


@pytest.mark.parametrize("grow", [0.5, 0.0, float("nan"), float("inf")])
def test_a_growth_that_is_none_is_refused(grow: float) -> None:
    with pytest.raises(RequestError, match=r"grow is .*at least 1"):
        Policy(grow=grow)


@pytest.mark.parametrize(
    "limits",
    [
        {"max_resample_tokens": 12},
        {"budget": Budget(tokens=12)},
        {"max_resample_seconds": 1e-9},
        {"on_exhausted": "best_rejected"},
    ],
)
async def test_budgets_bind_a_round_that_would_grow(limits: dict[str, Any]) -> None:
    generator = Taking(CUT)
    ranking = await ranked(generator, Policy(grow=2, **limits))
    assert (generator.limits, ranking.fallback) == ([4], "best_rejected")


async def test_a_budget_of_tokens_ends_a_round_that_has_grown() -> None:
    def script(request: Request, index: int) -> FakeCompletion:
        return FakeCompletion("one two three four", "length", delay=0.0 if index < 5 else 5.0)

    began = asyncio.get_running_loop().time()
    generator = Taking(script)
    ranking = await ranked(generator, Policy(grow=2, budget=Budget(tokens=20)))
    assert (generator.limits, ranking.stopped_by) == ([4, 8], "budget")
    assert asyncio.get_running_loop().time() - began < 4


def broken_calls(request: Request, index: int) -> FakeCompletion:
    arguments = '{"city": "Rome"}' if index >= 4 else '{"city": '
    call = {"id": "1", "type": "function", "function": {"name": "look", "arguments": arguments}}
    message = {"role": "assistant", "content": None, "tool_calls": [call]}
    return FakeCompletion("", "tool_calls", message=message)


TOOLS = {"tools": [{"type": "function", "function": {"name": "look", "parameters": {}}}]}


@pytest.mark.parametrize("sampling", [Fixed(), Waves(2), Chain((Fixed(), ReplaceRejected()))])
async def test_calls_of_tools_that_cannot_be_used_are_sampled_again(sampling: Any) -> None:
    policy = Policy(sampling=sampling, grow=2)
    generator = Taking(broken_calls)
    ranking = await ranked(generator, policy, filters=[ToolCallsFilter()], options=TOOLS)
    assert ranking.winner is not None
    assert ranking.winner.index >= 4
    assert set(generator.limits) == {4}, "they were not cut"


async def test_where_the_policy_is_error_nothing_is_sampled_again() -> None:
    generator = Taking(CUT)
    with pytest.raises(NothingAcceptableError, match="none of 4"):
        await ranked(generator, Policy("error", grow=2))
    assert generator.limits == [4]
