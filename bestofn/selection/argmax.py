"""Argmax: the candidate with the highest reward first. Plain best-of-n selection."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from bestofn.core.errors import ConfigError
from bestofn.core.no_winner import RewardError
from bestofn.core.ranking import ChosenBy, ScoredCandidate, Selection
from bestofn.core.types import Request


@dataclass(frozen=True, slots=True)
class ArgmaxSelector:
    """Orders by reward, highest first.

    Args:
        tolerance: rewards no further than this below the best of their group are a tie. 0 is right
            for fp32; in bf16 a reward moves by up to about 0.06 with the shape of its batch.

    Ties go to the candidate with fewer completion tokens (unknown counts last), then to the lower
    index, so that the order never depends on which candidate finished first.

    Raises:
        ConfigError: `tolerance` is below 0, or not finite.
    """

    needs_rewards: ClassVar[bool] = True

    tolerance: float = 0.0

    def __post_init__(self) -> None:
        if not 0 <= self.tolerance < math.inf:
            raise ConfigError(
                f"argmax: tolerance is {self.tolerance}; it must be a finite number of 0 or more"
            )

    async def select(self, request: Request, accepted: Sequence[ScoredCandidate]) -> Selection:
        """The order by reward, which is each candidate's value; see the class for ties.

        Raises:
            RewardError: a candidate has no reward.
        """
        rewards = {c.index: _reward_of(c) for c in accepted}
        ordered: list[ScoredCandidate] = []
        group: list[ScoredCandidate] = []
        for candidate in sorted(accepted, key=lambda c: -rewards[c.index]):
            if group and rewards[group[0].index] - rewards[candidate.index] > self.tolerance:
                ordered += sorted(group, key=_tie_key)
                group = []
            group.append(candidate)
        ordered += sorted(group, key=_tie_key)
        by = ChosenBy("argmax", None, "reward")
        return Selection(tuple(c.index for c in ordered), rewards, chosen_by=by)


def _reward_of(candidate: ScoredCandidate) -> float:
    if candidate.reward is None:
        raise RewardError(f"candidate {candidate.index} has no reward and cannot be ordered")
    return candidate.reward


def _tie_key(candidate: ScoredCandidate) -> tuple[float, int]:
    tokens = candidate.candidate.completion_tokens
    return (float("inf") if tokens is None else tokens, candidate.index)
