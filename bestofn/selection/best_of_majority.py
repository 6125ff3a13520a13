"""Best of majority: the highest score among the answers that are given often enough."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from bestofn.core.errors import ConfigError
from bestofn.core.protocols import AnswerKey
from bestofn.core.ranking import ScoredCandidate, Selection
from bestofn.core.types import Request
from bestofn.selection.ballot import Ballot, alone


@dataclass(frozen=True, slots=True)
class BestOfMajoritySelector:
    """Orders by score the candidates whose answer has at least `share` of the votes, then the
    others by score. Where no answer has so many, all are ordered by score. Ties go to the lower
    index. The confidence is the winner's share of all candidates; None where it does not vote.

    Source: best-of-majority, arXiv 2510.03199: it does not degrade as N grows.

    Args:
        answer_key: what is voted on.
        share: of the votes, 0 to 1.

    Raises:
        ConfigError: `share` is out of its range.
    """

    needs_rewards: ClassVar[bool] = False

    answer_key: AnswerKey
    share: float = 0.15

    def __post_init__(self) -> None:
        if not 0 <= self.share <= 1:
            raise ConfigError(f"best_of_majority: share is {self.share}; it must be 0 to 1")

    def reads_logprobs(self, *, scored: bool) -> bool:
        """See `bestofn.core.protocols.ReadsLogprobs`."""
        return not scored

    async def select(self, request: Request, accepted: Sequence[ScoredCandidate]) -> Selection:
        """See `bestofn.core.protocols.Selector`; the values are the scores."""
        if (only := alone(accepted, "best_of_majority")) is not None:
            return only
        ballot = Ballot.of(request, accepted, self.answer_key)
        scores = ballot.scores
        votes = {i: len(ballot.groups[key]) for i, key in ballot.keys.items()}
        often = {i for i, count in votes.items() if count >= self.share * len(ballot.keys)}
        order = tuple(sorted(scores.indices, key=lambda i: (i not in often, scores.place(i))))
        confidence = votes[order[0]] / len(order) if order[0] in votes else None
        return ballot.chosen("best_of_majority", order, scores.known, confidence)
