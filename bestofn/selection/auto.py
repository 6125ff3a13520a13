"""The selector that suits the candidates: by vote where they have answers, by reward where they
have rewards, by consensus where they have neither."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar

from bestofn.core.errors import ConfigError
from bestofn.core.protocols import AnswerKey
from bestofn.core.ranking import ScoredCandidate, Selection
from bestofn.core.types import Request
from bestofn.selection.argmax import ArgmaxSelector
from bestofn.selection.ballot import Ballot, alone
from bestofn.selection.consensus import ConsensusSelector
from bestofn.selection.scores import Scores
from bestofn.selection.weighted_vote import WeightedVoteSelector


@dataclass(frozen=True, slots=True)
class AutoSelector:
    """Weighted vote where answers have keys; else the highest reward; else weighted consensus.

    Where nothing scores, a vote that scatters elects nobody: if the leading answer holds less than
    `scattered` of the weights, consensus decides, to which answers that are nearly the same add up.
    Mean logprobs, where they are the scores, count within each generator's candidates only (see
    `bestofn.selection.scores.Scores.of`): every model's answers have the same say, whichever model
    is surer of itself. The selection names the one that was taken. Ties and confidence are that
    one's; where the highest reward decides, the confidence is that of a weighted vote in which
    every text is an answer of its own, and candidates without a reward come last.

    Args:
        answer_key: what is voted on; one that finds no kind for the candidates leaves the choice to
            the others.
        temperature: of the weights, above 0; see `WeightedVoteSelector`.
        scattered: share of all weights below which a vote without rewards elects nobody, 0 to 1;
            on 300 prompts a quarter gained a point at N = 16 and three at 32 over 0.

    Raises:
        ConfigError: an option is out of its range.
    """

    needs_rewards: ClassVar[bool] = False

    answer_key: AnswerKey
    temperature: float = 1.0
    scattered: float = 0.25
    _vote: WeightedVoteSelector = field(init=False, repr=False, compare=False)
    _consensus: ConsensusSelector = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not 0 <= self.scattered <= 1:
            raise ConfigError(f"auto: scattered is {self.scattered}; it must be 0 to 1")
        vote = WeightedVoteSelector(self.answer_key, self.temperature)
        object.__setattr__(self, "_vote", vote)
        object.__setattr__(self, "_consensus", ConsensusSelector(self.temperature))

    def reads_logprobs(self, *, scored: bool) -> bool:
        """See `bestofn.core.protocols.ReadsLogprobs`: they are the scores where nothing scores."""
        return not scored

    async def select(self, request: Request, accepted: Sequence[ScoredCandidate]) -> Selection:
        """See `bestofn.core.protocols.Selector`."""
        if (only := alone(accepted, "auto")) is not None:
            return only
        ballot = Ballot.of(request, accepted, self.answer_key)
        if ballot.keys:
            voted = self._vote.counted(ballot)
            if ballot.scores.kind == "reward" or (voted.confidence or 0.0) >= self.scattered:
                return voted
            agreed = await self._consensus.select(request, accepted)
            return replace(agreed, keys=ballot.keys)
        if ballot.scores.kind == "reward":
            return await self._highest_reward(request, accepted, ballot.scores)
        return await self._consensus.select(request, accepted)

    async def _highest_reward(
        self, request: Request, accepted: Sequence[ScoredCandidate], scores: Scores
    ) -> Selection:
        scored = [each for each in accepted if each.index in scores.known]
        selection = await ArgmaxSelector().select(request, scored)
        order = (*selection.order, *(i for i in scores.indices if i not in scores.known))
        weights = scores.weights(self.temperature)
        texts = {each.index: each.text for each in accepted}
        like_first = [i for i in scores.indices if texts[i] == texts[order[0]]]
        confidence = sum(weights[i] for i in like_first) / sum(weights.values())
        return Selection(order, selection.values, confidence, chosen_by=selection.chosen_by)
