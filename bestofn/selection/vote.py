"""Votes: the answer that most candidates give (self-consistency)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from bestofn.core.protocols import AnswerKey
from bestofn.core.ranking import ScoredCandidate, Selection
from bestofn.core.types import Request
from bestofn.selection.ballot import Ballot, alone


@dataclass(frozen=True, slots=True)
class VoteSelector:
    """Orders by how many candidates give the same answer; each vote counts the same.

    Ties between answers go to the one with the higher best score (reward, else mean logprob), then
    to the lower index; within an answer the same holds. Candidates without a key come last. The
    confidence is the winner's share of all candidates.

    Source: self-consistency, Wang et al. 2022, arXiv 2203.11171.

    Args:
        answer_key: what is voted on.
    """

    needs_rewards: ClassVar[bool] = False

    answer_key: AnswerKey

    def reads_logprobs(self, *, scored: bool) -> bool:
        """See `bestofn.core.protocols.ReadsLogprobs`: they break ties where nothing scores."""
        return not scored

    async def select(self, request: Request, accepted: Sequence[ScoredCandidate]) -> Selection:
        """See `bestofn.core.protocols.Selector`."""
        if (only := alone(accepted, "vote")) is not None:
            return only
        ballot = Ballot.of(request, accepted, self.answer_key)
        return ballot.selection("vote", dict.fromkeys(ballot.scores.indices, 1.0))
