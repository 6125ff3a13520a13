"""Replay: recorded candidates sampled once more, in the order in which an engine would finish them.

All running candidates are decoded in step, one token each a step, as a batch of one request on one
engine is. So a candidate of 40 tokens that was started at step 0 comes at step 40, and one that is
aborted at step 25 has cost 25 tokens. Time is counted in steps, and nothing waits for a clock.
Where it is not known of one how many tokens it has, all come in the order in which they are to be
sampled, and what that costs is not known.

    run = Replay(records)
    ranking = await best_of_n(request, run.pipeline(selector, policy))
    ranking.usage.completion_tokens, run.steps
"""

from __future__ import annotations

import asyncio
import dataclasses
import heapq
from collections.abc import Mapping, Sequence
from typing import Any

from bestofn.core.controller import RequestPolicy
from bestofn.core.pipeline import Pipeline
from bestofn.core.protocols import Selector
from bestofn.core.ranking import ScoredCandidate
from bestofn.core.types import FILTER_ERROR, Candidate, Failure, Request, Score

TURNS = 8
"""Turns of the event loop that a candidate has to be filtered, scored and decided upon before the
next one comes; it takes four (measured), and more change nothing."""


class Replay:
    """The recorded candidates of one request, to be sampled, filtered and scored as they were.

    Args:
        records: finished candidates, in the order in which they are to be sampled. Those that
            failed fail again.

    Attributes:
        counted: whether it is known of each how many tokens it has.
        now: decode steps so far; 0 where they are not counted.
    """

    def __init__(self, records: Sequence[ScoredCandidate]) -> None:
        self._records = [_numbered(record, index) for index, record in enumerate(records)]
        self._scored = any(record.reward is not None for record in records)
        self.counted = all(record.candidate.counted_tokens is not None for record in records)
        self.now = 0

    @property
    def steps(self) -> int | None:
        """Decode steps that were taken: how long the slowest candidate ran, over all waves; None:
        unknown."""
        return self.now if self.counted else None

    def pipeline(self, selector: Selector, policy: RequestPolicy) -> Pipeline:
        """What `best_of_n` replays them with; for requests for as many candidates or fewer."""
        model = _Rewards(self._records) if self._scored else None
        return Pipeline(_Generator(self, self._records), selector, [self], model, policy)

    @property
    def name(self) -> str:
        """Of the filter that rejects what was rejected."""
        return "recorded"

    def check(self, request: Request, candidate: Candidate) -> Any:
        """The rejection that was recorded: the first certain one, else the first; or the failure,
        where no reward model is there to give it back, or would have been shown the candidate.

        A failure is given back as `Filtering` makes one of what a filter raises. Were it raised,
        each would be logged with its traceback, as often as it is drawn.
        """
        record = self._records[candidate.index]
        failure = record.failure
        if failure is not None and (not self._scored or failure.reason == FILTER_ERROR):
            return failure
        found = record.rejections
        return next((each for each in found if each.certain), found[0] if found else None)


class _Rewards:
    """Gives the rewards that were recorded."""

    def __init__(self, records: Sequence[ScoredCandidate]) -> None:
        self._records = records

    async def score(self, request: Request, candidates: Sequence[Candidate]) -> list[Score]:
        """See `bestofn.core.protocols.RewardModel`."""
        return [_score(self._records[each.index]) for each in candidates]


class _Generator:
    """Samples what was recorded; see the module."""

    def __init__(self, run: Replay, records: Sequence[ScoredCandidate]) -> None:
        self._run = run
        self._records = records

    def sample(self, request: Request, indices: Sequence[int]) -> _Sampling:
        """See `bestofn.core.protocols.Generator`."""
        return _Sampling(self._run, {i: self._records[i].candidate for i in indices})


class _Sampling:
    """One wave: its candidates by the step at which they finish."""

    def __init__(self, run: Replay, candidates: Mapping[int, Candidate]) -> None:
        self._run = run
        self._began = run.now
        self._candidates = candidates
        self._due = [(self._began + self._tokens(i), i) for i in candidates]
        heapq.heapify(self._due)
        self._aborted: set[int] = set()

    def __aiter__(self) -> _Sampling:
        return self

    async def __anext__(self) -> Candidate:
        """The next candidate: those that were aborted first, as far as they have come."""
        for _ in range(TURNS):
            await asyncio.sleep(0)
        stopped = min((each for each in self._due if each[1] in self._aborted), default=None)
        if stopped is not None:
            self._due.remove(stopped)
            heapq.heapify(self._due)
            return self._so_far(stopped[1])
        if not self._due:
            raise StopAsyncIteration
        step, index = heapq.heappop(self._due)
        self._run.now = max(self._run.now, step)
        return self._candidates[index]

    def abort(self, index: int) -> None:
        """See `bestofn.core.protocols.Sampling`."""
        self._aborted.add(index)

    async def aclose(self) -> None:
        """See `bestofn.core.protocols.Sampling`."""

    def _so_far(self, index: int) -> Candidate:
        whole = self._candidates[index]
        tokens = min(self._run.now - self._began, self._tokens(index))
        return Candidate(
            index,
            {"role": "assistant", "content": ""},
            "abort",
            tokens if self._run.counted else None,
            group_tokens=None,
            prompt_tokens=whole.prompt_tokens,
            seed=whole.seed,
        )

    def _tokens(self, index: int) -> int:
        """How many steps a candidate takes; 0 where that of one is not known."""
        counted = self._candidates[index].counted_tokens if self._run.counted else None
        return counted or 0


def _numbered(record: ScoredCandidate, index: int) -> ScoredCandidate:
    return dataclasses.replace(record, candidate=dataclasses.replace(record.candidate, index=index))


def _score(record: ScoredCandidate) -> Score:
    if record.reward is not None:
        return Score(record.reward, components=record.components, cut=record.cut)
    failure = record.failure or Failure("not_scored", "the recorded run did not score it")
    return Score(None, failure=failure)
