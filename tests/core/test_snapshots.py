"""Candidates that are judged in mid-decode: what is stopped, what it keeps, what it never does."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from bestofn.control.loops import Loops
from bestofn.control.policy import Policy
from bestofn.control.pruning import Prune
from bestofn.core.best_of_n import best_of_n
from bestofn.core.pipeline import Pipeline
from bestofn.core.protocols import Filter
from bestofn.core.ranking import Ranking
from bestofn.core.types import Candidate, Rejection, Request
from bestofn.filters.repetition.filter import RepetitionFilter
from bestofn.filters.template_token import TemplateTokenFilter
from bestofn.testing import FakeCompletion
from tests.support.scripts import pipeline_of, states

SLOW = 30.0
LOOP = "the old miller of the village walks slowly down to the river again and " * 12
FINE = FakeCompletion("A short answer.", delay=0.05)
STOPS_LOOPS = Policy("best_rejected", mid_decode=Loops())


def growing(text: str, steps: int = 12) -> FakeCompletion:
    """A candidate that would take half a minute, with snapshots in the first half second."""
    words = text.split()
    parts = [" ".join(words[: len(words) * at // steps]) for at in range(1, steps + 1)]
    return FakeCompletion(text, delay=SLOW, snapshots=[*parts, *[parts[-1]] * 1200])


async def ranked(
    script: Any, *, filters: Sequence[Filter] = (RepetitionFilter(),), policy: Policy = STOPS_LOOPS
) -> tuple[Ranking, Any]:
    pipeline, generator, _ = pipeline_of(script, lambda r, c: 1.0, filters=filters, policy=policy)
    request = Request.from_prompt("Where does the miller walk?", best_of=len(script))
    async with asyncio.timeout(15):
        return await best_of_n(request, pipeline), generator


async def test_a_candidate_that_loops_is_stopped_and_keeps_why() -> None:
    ranking, generator = await ranked([FINE, growing(LOOP)])
    assert generator.aborted == [1]
    assert states(ranking) == {0: "rank 1", 1: "loops"}
    stopped = ranking.candidates[1]
    assert [each.reason for each in stopped.rejections] == ["exact_loop"]
    assert stopped.candidate.finish_reason == "abort"
    assert (ranking.stopped, ranking.rejected) == ({"loops": 1}, {"exact_loop": 1})
    assert ranking.stopped_by is None


async def test_the_tokens_of_one_that_was_stopped_are_counted() -> None:
    ranking, _ = await ranked([FINE, growing(LOOP)])
    cost = ranking.candidates[1].candidate.completion_tokens
    assert cost
    assert ranking.usage.completion_tokens == cost + 3


async def test_where_the_filter_is_not_in_use_nothing_is_stopped_for_a_loop() -> None:
    script = [FINE, FakeCompletion(LOOP, delay=0.12, snapshots=[LOOP] * 5)]
    ranking, generator = await ranked(script, filters=())
    assert generator.aborted == []
    assert len(ranking.ranked) == 2


async def test_a_suspicion_stops_nothing() -> None:
    @dataclass(frozen=True)
    class Unsure:
        name: str = "unsure"
        foresees: bool = True

        def check(self, request: Request, candidate: Candidate) -> Rejection | None:
            return Rejection("unsure", "perhaps", "who knows", certain=False)

    script = [FINE, FakeCompletion(LOOP, delay=0.12, snapshots=[LOOP] * 5)]
    _, generator = await ranked(script, filters=[Unsure()])
    assert generator.aborted == []


async def test_a_filter_that_raises_on_a_snapshot_costs_nothing() -> None:
    @dataclass(frozen=True)
    class Breaks:
        name: str = "breaks"
        foresees: bool = True

        def check(self, request: Request, candidate: Candidate) -> Rejection | None:
            if candidate.finish_reason is None:
                raise KeyError("half a call")
            return None

    script = [FINE, FakeCompletion(LOOP, delay=0.12, snapshots=[LOOP] * 5)]
    ranking, _ = await ranked(script, filters=[Breaks()])
    assert len(ranking.ranked) == 2


async def test_filters_that_do_not_foresee_never_see_a_snapshot() -> None:
    @dataclass(frozen=True)
    class Sees:
        seen: list[str | None] = field(default_factory=list)
        name: str = "sees"

        def check(self, request: Request, candidate: Candidate) -> Rejection | None:
            self.seen.append(candidate.finish_reason)
            return None

    sees = Sees()
    script = [FINE, FakeCompletion(LOOP, delay=0.12, snapshots=[LOOP] * 5)]
    await ranked(script, filters=[RepetitionFilter(), sees])
    assert None not in sees.seen
    assert "stop" in sees.seen


async def test_what_is_taken_off_an_answer_is_taken_off_its_snapshot() -> None:
    flood = "It is 4." + " <|im_end|>" * 60
    script = [FINE, FakeCompletion(flood, delay=0.12, snapshots=[flood] * 5)]
    filters: list[Filter] = [TemplateTokenFilter(), RepetitionFilter()]
    whole = await ranked(script, filters=filters, policy=Policy("best_rejected"))
    ranking, generator = await ranked(script, filters=filters)
    assert generator.aborted == []
    assert states(ranking) == states(whole[0])


async def test_a_long_snapshot_is_checked_beside_the_event_loop() -> None:
    words = " ".join(f"word{at}" for at in range(800))
    ranking, generator = await ranked([FINE, growing(f"{words} {LOOP * 3}", steps=1)])
    assert generator.aborted == [1]
    assert ranking.candidates[1].rejections[0].reason == "exact_loop"


async def test_a_snapshot_never_becomes_an_answer() -> None:
    half = FakeCompletion("The whole answer.", delay=0.1, snapshots=["The", "The wh"])
    ranking, _ = await ranked([half, half], policy=Policy("best_rejected", mid_decode=Loops(1)))
    assert [each.text for each in ranking.candidates] == ["The whole answer."] * 2
    assert {each.candidate.finish_reason for each in ranking.candidates} == {"stop"}


async def test_where_all_loop_one_runs_to_its_end_and_is_what_is_fallen_back_on() -> None:
    snapshots = [" ".join(LOOP.split()[: 14 * at]) for at in range(1, 12)]
    looping = FakeCompletion(LOOP, delay=0.3, snapshots=snapshots)
    ranking, generator = await ranked([looping] * 3)
    assert len(set(generator.aborted)) == 2
    assert ranking.fallback == "best_rejected"
    assert ranking.winner is not None
    assert ranking.winner.index not in generator.aborted
    assert ranking.winner.text == LOOP


async def test_another_round_is_sampled_where_all_loop() -> None:
    def script(request: Request, index: int) -> FakeCompletion:
        snapshots = [" ".join(LOOP.split()[: 14 * at]) for at in range(1, 12)]
        return FINE if index > 1 else FakeCompletion(LOOP, delay=1.5, snapshots=snapshots)

    policy = Policy("resample", mid_decode=Loops())
    pipeline, generator, _ = pipeline_of(
        script, lambda r, c: 1.0, filters=[RepetitionFilter()], policy=policy
    )
    ranking = await best_of_n(Request.from_prompt("x", best_of=2), pipeline)
    assert generator.aborted in ([0], [1])  # the last one that goes on is left
    assert ranking.rounds == 2
    assert ranking.winner is not None
    assert ranking.winner.text == "A short answer."


async def test_the_lower_half_is_pruned_by_the_rewards_of_snapshots() -> None:
    def reward(request: Request, candidate: Candidate) -> float:
        return float(candidate.text.split()[0])

    script = [
        FakeCompletion(f"{at} " * 40, delay=delay, snapshots=[f"{at} " * 16] * parts)
        for at, delay, parts in ((3, 0.3, 2), (0, SLOW, 299), (2, 0.3, 2), (1, SLOW, 299))
    ]
    policy = Policy("best_rejected", mid_decode=Prune(0.5, first=10, protect=2))
    pipeline, generator, model = pipeline_of(script, reward, filters=(), policy=policy)
    async with asyncio.timeout(15):
        ranking = await best_of_n(Request.from_prompt("x", best_of=4), pipeline)
    assert sorted(generator.aborted) == [1, 3]
    assert states(ranking) == {0: "rank 1", 2: "rank 2", 1: "prune", 3: "prune"}
    partial = [each.index for _, among in model.calls for each in among if not each.finish_reason]
    assert sorted(partial) == [0, 1, 2, 3], "each was scored once on its way"


async def test_a_generator_without_snapshots_is_told_of() -> None:
    pipeline, generator, _ = pipeline_of(["good"], policy=STOPS_LOOPS)
    generator.snapshots = False
    silent = Pipeline(generator, pipeline.selector, (), None, STOPS_LOOPS)
    ranking = await best_of_n(Request.from_prompt("x", best_of=2), silent)
    assert ranking.notes == ("nothing is stopped in mid-decode: the generator sends no snapshots",)


@pytest.mark.parametrize("best_of", [1, 4])
async def test_one_candidate_is_sampled_without_snapshots(best_of: int) -> None:
    pipeline, generator, _ = pipeline_of(["good"], policy=STOPS_LOOPS)
    await best_of_n(Request.from_prompt("x", best_of=best_of), pipeline)
    wanted = {each.snapshot_tokens for each in generator.requests}
    assert wanted == ({None} if best_of == 1 else {16})
