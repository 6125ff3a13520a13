"""Resample: once more best_of candidates, where nothing that was sampled is acceptable."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass, field

from bestofn.control.fixed import Fixed
from bestofn.core.controller import WAIT, Controller, Decision, Progress, Round
from bestofn.core.finish_reason import known_as
from bestofn.core.ranking import ScoredCandidate

LOOPS = "repetition"
"""The filter whose rejection says that more tokens would be more of the same."""


@dataclass(frozen=True, slots=True)
class EachRound:
    """Samples each round as `sampling` samples the first: in waves, with replacements, ...

    Args:
        sampling: sees the candidates of the current round alone.
    """

    sampling: Controller

    def decide(self, progress: Progress) -> Decision:
        """See `bestofn.core.controller.Controller`."""
        if progress.round.first and progress.spent >= 1:
            return WAIT  # a round that the budget cut short is not filled up
        return self.sampling.decide(of_round(progress, progress.round.first))


@dataclass(frozen=True, slots=True)
class Resample:
    """Starts another round while all that came back was rejected: a call of a tool that cannot be
    used, a loop, an answer that was cut.

    A suspicion is no reason: a suspected candidate can be returned. Nor is a fault, since another
    round would meet it again; nor temperature 0, where it would sample the same.

    Where candidates of the last round were cut at their limit of tokens, and not for a loop, the
    next one gets `grow` times that limit, as far as model and budget let it, and never fewer than
    they had; a round that the engine refused for its limit is followed by one with the request's
    own.

    Args:
        max_rounds: rounds in all, the first included.
        max_tokens: none starts once so many completion tokens were sampled; None: no limit. What
            nobody counted cannot reach it, which the result's notes then say.
        max_seconds: none starts after this time; None: no limit.
        grow: at least 1; 1 leaves the limit as it is.
        most: beyond which no limit is raised; None: none.
        sampling: says how many of the round are started first; see `EachRound` for the rest.
    """

    max_rounds: int
    max_tokens: int | None = None
    max_seconds: float | None = None
    grow: float = 1.0
    most: int | None = None
    sampling: Controller = field(default_factory=Fixed)

    def decide(self, progress: Progress) -> Decision:
        """See `bestofn.core.controller.Controller`."""
        request = progress.request
        sampled = progress.sampled - progress.round.first
        if not progress.idle or sampled < request.best_of or request.temperature == 0:
            return WAIT
        if (
            progress.spent >= 1
            or self.sampling.decide(of_round(progress, progress.round.first)).start
        ):
            return WAIT  # nothing may start any more, or the round goes on
        records = progress.finished.values()
        if progress.rounds >= self.max_rounds or any(each.kept for each in records):
            return WAIT
        if not any(each.rejections for each in records) or any(
            each.lost_to_reward_model for each in records
        ):
            return WAIT
        if self.max_tokens is not None and progress.tokens >= self.max_tokens:
            return WAIT
        if self.max_seconds is not None and progress.elapsed >= self.max_seconds:
            return WAIT
        first = self.sampling.decide(of_round(progress, progress.sampled))
        if first.start < 1:
            return WAIT
        notes = first.notes
        if self.max_tokens is not None and any(_uncounted(each) for each in records):
            notes = (*notes, _UNCOUNTED)
        begun = Round(progress.sampled, self._limit(progress))
        return dataclasses.replace(first, round=begun, notes=notes)

    def _limit(self, progress: Progress) -> int | None:
        """Tokens of each candidate of the next round; None: the request's own limit."""
        last = of_round(progress, progress.round.first).finished.values()
        if all(each.candidate.error is not None for each in last):
            return None
        now = progress.round.max_tokens
        cut = [each for each in last if _cut(each)]
        if self.grow == 1 or not cut:
            return now
        counts = [each.candidate.completion_tokens for each in cut]
        reached = max((count for count in counts if count is not None), default=None)
        limit = now or progress.request.max_tokens or reached
        if limit is None or (self.most is not None and limit >= self.most):
            return now
        return math.ceil(limit * self.grow)


_UNCOUNTED = (
    "max_resample_tokens: another round was sampled, and not all tokens of those before are counted"
)


def _uncounted(record: ScoredCandidate) -> bool:
    return record.candidate.error is None and record.candidate.counted_tokens is None


def of_round(progress: Progress, first: int) -> Progress:
    """The progress as if there were no candidates but those from index `first` on."""
    if first == 0:
        return progress
    return dataclasses.replace(
        progress,
        finished={index: each for index, each in progress.finished.items() if index >= first},
        running={index: each for index, each in progress.running.items() if index >= first},
    )


def _cut(record: ScoredCandidate) -> bool:
    """Whether it reached its limit of tokens, and more of them might have helped."""
    loops = any(each.filter == LOOPS for each in record.rejections)
    return known_as(record.candidate.finish_reason) == "length" and not loops
