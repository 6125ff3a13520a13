"""Majority of the bests: the answer that wins most often if best-of-m is drawn again and again."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from bestofn.core.errors import ConfigError
from bestofn.core.protocols import AnswerKey
from bestofn.core.ranking import ScoredCandidate, Selection
from bestofn.core.types import Request
from bestofn.selection.ballot import Ballot, alone
from bestofn.selection.scores import Scores

MOST = 1_000_000
"""Of `m`: with so many the best of all wins nearly always."""


@dataclass(frozen=True, slots=True)
class MajorityOfBestsSelector:
    """Orders answers by the chance that the best of m candidates, drawn with replacement, gives
    them.

    In closed form: with candidates sorted best first, the one at place i (from 0) is the best of m
    with chance ``((n - i) / n)^m - ((n - i - 1) / n)^m``; candidates of equal score share theirs,
    and the chances add up per answer. Ties as for `VoteSelector`. The confidence is the winner's
    chance.

    Source: majority of the bests, arXiv 2511.18630, whose bootstrap this is in the limit.

    Args:
        answer_key: what is voted on.
        m: of best-of-m; None: the square root of the number of candidates, rounded.

    Raises:
        ConfigError: `m` is below 1 or above `MOST`.
    """

    needs_rewards: ClassVar[bool] = False

    answer_key: AnswerKey
    m: int | None = None

    def __post_init__(self) -> None:
        if self.m is not None and not 1 <= self.m <= MOST:
            raise ConfigError(f"majority_of_bests: m is {self.m}; it must be 1 to {MOST:,}")

    def reads_logprobs(self, *, scored: bool) -> bool:
        """See `bestofn.core.protocols.ReadsLogprobs`."""
        return not scored

    async def select(self, request: Request, accepted: Sequence[ScoredCandidate]) -> Selection:
        """See `bestofn.core.protocols.Selector`."""
        if (only := alone(accepted, "majority_of_bests")) is not None:
            return only
        ballot = Ballot.of(request, accepted, self.answer_key)
        m = self.m or max(1, round(math.sqrt(len(ballot.scores.indices))))
        return ballot.selection("majority_of_bests", _chances(ballot.scores, m))


def _chances(scores: Scores, m: int) -> Mapping[int, float]:
    """The chance of each to be the best of `m`; those without a score are the worst, and equal."""
    levels: dict[float | None, list[int]] = {}
    for index in sorted(scores.indices, key=scores.place):
        levels.setdefault(scores.known.get(index), []).append(index)
    n = left = len(scores.indices)
    chances: dict[int, float] = {}
    for level in levels.values():
        chance = (left / n) ** m - ((left - len(level)) / n) ** m
        chances |= dict.fromkeys(level, chance / len(level))
        left -= len(level)
    return chances
