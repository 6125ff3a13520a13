"""Several generators in one request: shares, names, faults, aborts, and what of them compares."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from bestofn.answers.auto import AutoKey
from bestofn.control.accepted import Accepted
from bestofn.control.policy import Policy
from bestofn.control.waves import Waves
from bestofn.core.best_of_n import best_of_n
from bestofn.core.errors import RequestError
from bestofn.core.no_winner import GeneratorBusyError, GeneratorError
from bestofn.core.pipeline import Pipeline
from bestofn.core.ranking import Ranking
from bestofn.core.types import Candidate, Request
from bestofn.generators.mixed import Member, MixedGenerator
from bestofn.generators.shares import assigned, counts
from bestofn.selection.argmax import ArgmaxSelector
from bestofn.selection.auto import AutoSelector
from bestofn.testing import FakeCompletion, FakeGenerator, FakeRewardModel, FakeSampling


class Refuses(FakeGenerator):
    """Refuses every request, at once or when it is read."""

    def __init__(self, *, late: bool = False) -> None:
        super().__init__(["x"], raises=RequestError("too long for me") if late else None)
        self._late = late

    def sample(self, request: Request, indices: Sequence[int]) -> FakeSampling:
        if not self._late:
            raise RequestError("too long for me")
        return super().sample(request, indices)


def mixed(**members: FakeGenerator) -> MixedGenerator:
    return MixedGenerator([Member(name, each) for name, each in members.items()])


async def ranked(generator: MixedGenerator, **further: Any) -> Ranking:
    policy = further.pop("policy", None) or Policy("best_rejected")
    reward_model = further.pop("reward_model", None)
    request = Request.from_prompt("x", **{"best_of": 4, "seed": 10, **further})
    selector = ArgmaxSelector() if reward_model else AutoSelector(AutoKey())
    pipeline = Pipeline(generator, selector, (), reward_model, policy)
    return await best_of_n(request, pipeline)


def by_index(ranking: Ranking) -> list[Candidate]:
    return [each.candidate for each in sorted(ranking.candidates, key=lambda each: each.index)]


@pytest.mark.parametrize(
    ("shares", "best_of", "expected"),
    [
        ([1, 1], 8, [4, 4]),
        ([1, 1], 5, [3, 2]),
        ([2, 1], 8, [5, 3]),
        ([5, 3, 1], 7, [4, 2, 1]),
        ([1, 1, 1], 3, [1, 1, 1]),
        ([0.7, 0.2, 0.1], 10, [7, 2, 1]),
        ([100, 1], 4, [4, 0]),
        ([1, 1, 1], 1, [1, 0, 0]),
    ],
)
def test_shares_are_rounded_by_the_largest_remainder(
    shares: list[float], best_of: int, expected: list[int]
) -> None:
    assert counts(shares, best_of) == expected
    order = assigned(tuple(shares), best_of)
    assert [order.count(at) for at in range(len(shares))] == expected


def test_the_first_candidates_are_mixed_as_all_are() -> None:
    assert assigned((1.0, 1.0), 6) == (0, 1, 0, 1, 0, 1)
    assert assigned((3.0, 1.0), 8) == (0, 0, 1, 0, 0, 0, 1, 0)


async def test_candidates_of_different_models_compete_and_say_who_sampled_them() -> None:
    small, large = FakeGenerator(["small"]), FakeGenerator(["large"])
    rewards = FakeRewardModel({"small": 0.0, "large": 1.0})
    ranking = await ranked(mixed(small=small, large=large), reward_model=rewards)
    assert [each.generator for each in by_index(ranking)] == ["small", "large"] * 2
    assert [each.seed for each in by_index(ranking)] == [10, 11, 12, 13]
    assert ranking.winner is not None
    assert ranking.winner.candidate.generator == "large"
    assert (small.sampled, large.sampled) == ([0, 2], [1, 3])


async def test_waves_and_later_rounds_keep_the_shares() -> None:
    cut = FakeCompletion("cut", "stop")
    small, large = FakeGenerator([cut]), FakeGenerator([cut])
    await ranked(mixed(small=small, large=large), policy=Policy(sampling=Waves(1)))
    assert (small.sampled, large.sampled) == ([0, 2], [1, 3])


@pytest.mark.parametrize(
    "broken",
    [
        FakeGenerator(["x"], raises=GeneratorError("the engine is gone")),
        Refuses(),
        Refuses(late=True),
        FakeGenerator(["x"], raises=GeneratorBusyError("too much to do", retry_after=3.0)),
    ],
)
async def test_one_that_fails_costs_its_own_candidates(broken: FakeGenerator) -> None:
    ranking = await ranked(mixed(broken=broken, good=FakeGenerator(["fine"])))
    first = by_index(ranking)
    assert [each.error is None for each in first] == [False, True, False, True]
    assert first[0].error is not None
    assert first[0].error.startswith("broken: ")
    assert ranking.winner is not None
    assert ranking.winner.candidate.generator == "good"


async def test_a_fault_in_a_generators_own_code_costs_its_own_candidates() -> None:
    class Broken(FakeGenerator):
        def sample(self, request: Request, indices: Sequence[int]) -> FakeSampling:
            raise KeyError("oops")

    ranking = await ranked(mixed(broken=Broken(["x"]), good=FakeGenerator(["fine"])))
    assert [each.error for each in by_index(ranking)][::2] == ["broken: KeyError: 'oops'"] * 2
    assert len(ranking.ranked) == 2


async def test_what_was_not_asked_for_is_not_taken_for_anothers() -> None:
    class Odd(FakeGenerator):
        def sample(self, request: Request, indices: Sequence[int]) -> FakeSampling:
            return super().sample(request, [1])

    ranking = await ranked(mixed(odd=Odd(["odd"]), good=FakeGenerator(["fine"])))
    assert [each.text for each in by_index(ranking)] == ["", "fine", "", "fine"]


async def test_where_all_refuse_the_request_is_refused() -> None:
    with pytest.raises(RequestError, match="too long for me"):
        await ranked(mixed(one=Refuses(), other=Refuses(late=True)))


async def test_where_all_fail_each_is_told() -> None:
    gone = FakeGenerator(["x"], raises=GeneratorError("gone"))
    with pytest.raises(GeneratorError, match="all 4 candidates failed: one: gone") as caught:
        await ranked(mixed(one=gone, other=FakeGenerator(["x"], raises=GeneratorError("off"))))
    assert caught.value.ranking is not None
    details = [each.failure for each in caught.value.ranking.candidates]
    assert {each.detail for each in details if each is not None} == {"one: gone", "other: off"}


async def test_aborts_reach_the_generator_that_samples_the_candidate() -> None:
    quick, slow = FakeGenerator(["fine"]), FakeGenerator([FakeCompletion("slow", delay=30.0)])
    policy = Policy(stop=Accepted(2))
    ranking = await ranked(mixed(quick=quick, slow=slow), policy=policy)
    assert (quick.aborted, sorted(slow.aborted)) == ([], [1, 3])
    assert [each.generator for each in by_index(ranking)] == ["quick", "slow"] * 2
    assert dict(ranking.stopped) == {"accepted": 2}


async def test_a_request_that_is_cancelled_stops_every_generator() -> None:
    one, other = (FakeGenerator([FakeCompletion("slow", delay=30.0)]) for _ in range(2))
    task = asyncio.ensure_future(ranked(mixed(one=one, other=other)))
    await asyncio.sleep(0.02)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert (sorted(one.aborted), sorted(other.aborted)) == ([0, 2], [1, 3])
    assert (one.closed, other.closed) == (1, 1)


async def test_at_temperature_zero_each_model_samples_one() -> None:
    small, large = FakeGenerator(["small"]), FakeGenerator(["large"])
    ranking = await ranked(mixed(small=small, large=large), temperature=0)
    assert [each.generator for each in by_index(ranking)] == ["small", "large"]
    assert ranking.notes == (
        "temperature 0 makes all candidates of a model equal: sampled 2 instead of 4",
    )


async def test_a_models_name_in_the_request_is_not_handed_on() -> None:
    small = FakeGenerator(["small"])
    await ranked(mixed(small=small), options={"model": "mine", "top_p": 0.5})
    assert small.requests[0].options == {"top_p": 0.5}


async def test_snapshots_come_through_with_the_name() -> None:
    sending = FakeGenerator([FakeCompletion("a b c", delay=0.02, snapshots=["a", "a b"])])
    generator = mixed(sending=sending)
    assert generator.snapshots
    sampling = generator.sample(Request.from_prompt("x", best_of=1), [0])
    seen = [each async for each in sampling]
    await sampling.aclose()
    assert [(each.finish_reason, each.generator) for each in seen] == [
        (None, "sending"),
        (None, "sending"),
        ("stop", "sending"),
    ]


WORDS = ("one", "two")


def scored(text: str, logprob: float) -> Any:
    class Sure(FakeGenerator):
        def sample(self, request: Request, indices: Sequence[int]) -> Any:
            return _With(super().sample(request, indices), logprob)

    return Sure(lambda request, index: FakeCompletion(f"{text} {WORDS[index // 2]}"))


class _With:
    """A sampling whose candidates have log-probabilities: the later, the less sure."""

    def __init__(self, sampling: FakeSampling, logprob: float) -> None:
        self._sampling = sampling
        self._logprob = logprob

    def __aiter__(self) -> _With:
        return self

    async def __anext__(self) -> Candidate:
        candidate = await anext(self._sampling)
        return candidate.with_token_logprobs([self._logprob * (1 + candidate.index)])

    def abort(self, index: int) -> None:
        self._sampling.abort(index)

    async def aclose(self) -> None:
        await self._sampling.aclose()


async def test_a_model_that_is_always_surer_of_itself_does_not_win_by_that() -> None:
    """Each of both is surest of its first answer: the sure model's raw log-probabilities would put
    all of its candidates before the other's."""
    generator = mixed(sure=scored("answer", -0.01), unsure=scored("reply", -1.0))
    ranking = await ranked(generator)
    assert ranking.chosen_by is not None
    assert ranking.chosen_by.score == "mean_logprob"
    order = [each.index for each in ranking.ranked]
    assert order == [0, 1, 2, 3], "the first of each before the second of each"


class Unhashable(FakeGenerator):
    """As vLLM's generator is, whose options are a dict."""

    __hash__ = None  # type: ignore[assignment]


async def test_a_generator_need_not_be_hashable() -> None:
    ranking = await ranked(mixed(one=Unhashable(["a"] * 4), other=FakeGenerator(["b"] * 4)))
    assert sorted(each.text for each in by_index(ranking)) == ["a", "a", "b", "b"]
