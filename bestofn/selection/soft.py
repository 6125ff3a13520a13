"""Soft best-of-n: a candidate drawn with a chance that grows with its score."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from bestofn.core.errors import ConfigError
from bestofn.core.ranking import ChosenBy, ScoredCandidate, Selection
from bestofn.core.types import Request
from bestofn.selection.ballot import alone
from bestofn.selection.scores import Scores
from bestofn.support.seeding import seed_from


@dataclass(frozen=True, slots=True)
class SoftSelector:
    """Draws the order without replacement, each candidate with a chance in proportion to
    ``exp(score / temperature)``, the score being the reward, else the mean logprob. Candidates
    without a score come last, by index; where none has one, all have the same chance. There are no
    ties.

    What is drawn follows from the request's seed and its prompt, so that it repeats; without a seed
    from its id.

    Source: soft best-of-n, arXiv 2505.03156. Drawn as the order of score / temperature + Gumbel
    noise, which is the same distribution.

    Args:
        temperature: in the units of the score, above 0; small: nearly argmax.

    Raises:
        ConfigError: the temperature is not above 0.
    """

    needs_rewards: ClassVar[bool] = False

    temperature: float = 1.0

    def __post_init__(self) -> None:
        if not self.temperature > 0:
            raise ConfigError(f"soft: temperature is {self.temperature}; it must be above 0")

    def reads_logprobs(self, *, scored: bool) -> bool:
        """See `bestofn.core.protocols.ReadsLogprobs`."""
        return not scored

    async def select(self, request: Request, accepted: Sequence[ScoredCandidate]) -> Selection:
        """See `bestofn.core.protocols.Selector`; the confidence is the chance that the first had
        to be drawn first."""
        if (only := alone(accepted, "soft")) is not None:
            return only
        scores = Scores.of(accepted)
        known = scores.known or dict.fromkeys(scores.indices, 0.0)
        best = max(known.values())  # of which only differences count, and no quotient overflows
        heights = {index: (score - best) / self.temperature for index, score in known.items()}
        named = request.id if request.seed is None else request.seed
        draw = random.Random(seed_from(f"soft:{named}:{request.last_user_text}"))
        noise = {index: -math.log(-math.log(_open(draw))) for index in scores.indices}
        drawn = sorted(heights, key=lambda i: (-(heights[i] + noise[i]), -known[i]))
        order = (*drawn, *(index for index in scores.indices if index not in heights))
        chances = {index: math.exp(height) for index, height in heights.items()}
        confidence = chances[order[0]] / sum(chances.values())
        return Selection(
            order, scores.known, confidence, chosen_by=ChosenBy("soft", None, scores.kind)
        )


def _open(draw: random.Random) -> float:
    """A number between 0 and 1, neither of them among it."""
    return min(max(draw.random(), 1e-300), 1 - 1e-16)
