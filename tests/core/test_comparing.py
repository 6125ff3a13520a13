"""best_of_n with a reward model whose rewards depend on the other candidates."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from bestofn.control.policy import Policy
from bestofn.core.best_of_n import best_of_n
from bestofn.core.scoring import Scorer
from bestofn.core.types import Candidate, Failure, Request, Score
from bestofn.testing import FakeCompletion, FakeRewardModel
from tests.support.scripts import CUT, pipeline_of


def _lengths(*, compares: bool = True) -> FakeRewardModel:
    return FakeRewardModel(lambda request, c: float(len(c.text)), compares=compares)


async def test_all_that_are_kept_are_scored_in_one_call() -> None:
    script = ["a", FakeCompletion("bb", delay=0.05), CUT, "a", FakeCompletion("ccc", delay=0.1)]
    pipeline, _, rewards = pipeline_of(script, _lengths())
    ranking = await best_of_n(Request.from_prompt("x", best_of=5), pipeline)
    assert [sorted(c.text for c in batch) for _, batch in rewards.calls] == [["a", "bb", "ccc"]]
    assert [(c.index, c.reward) for c in ranking.ranked] == [(4, 3.0), (1, 2.0), (0, 1.0), (3, 1.0)]


async def test_a_fallback_compares_the_rejected_with_each_other() -> None:
    script = [FakeCompletion("cut a", "length"), FakeCompletion("cut bb", "length")]
    pipeline, _, rewards = pipeline_of(script, _lengths(), policy=Policy("best_rejected"))
    ranking = await best_of_n(Request.from_prompt("x", best_of=2), pipeline)
    assert [len(batch) for _, batch in rewards.calls] == [2]
    assert ranking.fallback == "best_rejected"
    assert ranking.winner is not None
    assert ranking.winner.index == 1


async def test_the_deadline_ends_in_one_call_over_what_has_finished() -> None:
    script = ["a", "bb", FakeCompletion("ccc", delay=30)]
    pipeline, _, rewards = pipeline_of(
        script, _lengths(), policy=Policy("error", deadline_seconds=0.2)
    )
    ranking = await best_of_n(Request.from_prompt("x", best_of=3), pipeline)
    assert [len(batch) for _, batch in rewards.calls] == [2]
    assert ranking.deadline_reached
    assert [c.text for c in ranking.ranked] == ["bb", "a"]


async def _scored(scorer: Scorer) -> None:
    """Return once every added candidate has its score."""
    scorer.flush()
    while scorer.busy:
        await asyncio.sleep(0)


def _candidate(index: int, text: str) -> Candidate:
    return Candidate(index, {"role": "assistant", "content": text}, "stop")


async def test_more_candidates_are_scored_with_those_before_and_change_their_rewards() -> None:
    said: dict[int, Score] = {}

    class Share:
        """Each candidate's part of all characters; a bad one fails."""

        compares = True

        async def score(self, request: Request, candidates: Sequence[Candidate]) -> list[Score]:
            whole = sum(len(c.text) for c in candidates)
            return [
                Score(None, failure=Failure("bad", "is bad"))
                if c.text == "bad"
                else Score(len(c.text) / whole)
                for c in candidates
            ]

    def on_score(indices: Sequence[int], score: Score) -> None:
        said.update(dict.fromkeys(indices, score))

    scorer = Scorer(Request.from_prompt("x"), Share(), on_score)
    for index, text in enumerate(["a", "bad", "a"]):
        scorer.add(_candidate(index, text))
    await asyncio.sleep(0)
    assert said == {}
    await _scored(scorer)
    assert [said[i].reward for i in range(3)] == [0.25, None, 0.25]
    scorer.add(_candidate(3, "aaa"))
    scorer.add(_candidate(4, "a"))
    assert said[4].reward == 0.25
    await _scored(scorer)
    assert [said[i].reward for i in range(5)] == [0.25, None, 0.25, 0.75, 0.25]
    await _scored(scorer)
    assert scorer.errors == []


async def test_a_call_that_fails_leaves_what_was_compared_before() -> None:
    class FailsSecond:
        compares = True
        calls = 0

        async def score(self, request: Request, candidates: Sequence[Candidate]) -> list[Score]:
            self.calls += 1
            if self.calls == 2:
                raise RuntimeError("a passing fault")
            return [Score.of(float(len(each.text))) for each in candidates]

    found: dict[int, Score] = {}

    def on_score(indices: Sequence[int], score: Score) -> None:
        found.update(dict.fromkeys(indices, score))

    scorer = Scorer(Request.from_prompt("x"), FailsSecond(), on_score)
    scorer.add(_candidate(0, "a"))
    await _scored(scorer)
    scorer.add(_candidate(1, "bb"))
    await _scored(scorer)
    assert found[0].reward == 1.0
    assert found[1].failure is not None
    scorer.add(_candidate(2, "ccc"))
    await _scored(scorer)
    assert [found[0].reward, found[2].reward] == [1.0, 3.0]
