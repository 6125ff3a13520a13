"""Weighted votes: each candidate votes for its answer with a weight that grows with its score."""

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
class WeightedVoteSelector:
    """Orders answers by the sum of ``exp(z / temperature)`` over the candidates that give them,
    where z is the candidate's score (reward, else mean logprob), z-scored within the request; see
    `bestofn.selection.scores.Scores.weights` for those without one.

    It does not over-optimise as the highest reward does: one candidate that the reward model
    overrates has one vote. Ties as for `VoteSelector`. The confidence is the winner's share of the
    weights of all candidates.

    Source: weighted self-consistency (Wang et al. 2022, arXiv 2203.11171) with softmax weights;
    the temperature is flat between 0.5 and 2 (``benchmarks/choosing.py``).

    Args:
        answer_key: what is voted on.
        temperature: above 0; small: nearly argmax, large: nearly a plain vote.

    Raises:
        ConfigError: the temperature is not above 0.
    """

    needs_rewards: ClassVar[bool] = False

    answer_key: AnswerKey
    temperature: float = 1.0

    def __post_init__(self) -> None:
        if not self.temperature > 0:
            raise ConfigError(
                f"weighted_vote: temperature is {self.temperature}; it must be above 0"
            )

    def reads_logprobs(self, *, scored: bool) -> bool:
        """See `bestofn.core.protocols.ReadsLogprobs`."""
        return not scored

    async def select(self, request: Request, accepted: Sequence[ScoredCandidate]) -> Selection:
        """See `bestofn.core.protocols.Selector`."""
        if (only := alone(accepted, "weighted_vote")) is not None:
            return only
        ballot = Ballot.of(request, accepted, self.answer_key)
        return self.counted(ballot)

    def counted(self, ballot: Ballot) -> Selection:
        """The selection that a ballot comes to."""
        return ballot.selection("weighted_vote", ballot.scores.weights(self.temperature))
