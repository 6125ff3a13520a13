"""Argmax after a correction for length: the highest reward for an answer of its length."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from bestofn.core.errors import ConfigError
from bestofn.core.no_winner import RewardError
from bestofn.core.ranking import ChosenBy, ScoredCandidate, Selection
from bestofn.core.types import Request
from bestofn.selection.ballot import alone


@dataclass(frozen=True, slots=True)
class LengthCorrectedSelector:
    """Orders by what is left of the reward once its dependence on the length is taken off: the
    residual of the least-squares line of rewards on the logarithm of lengths, within the request,
    plus the mean reward.

    Lengths are completion tokens; characters, where those are not known of every candidate. With
    fewer than `least` candidates, or candidates of one length, there is no line and the reward
    itself orders. Ties go to the shorter, then to the lower index.

    Source: post-hoc reward calibration, arXiv 2409.17407, with a line instead of its local
    regression, since N points bear no more.

    Args:
        least: candidates that a line is fitted to, at least 3.

    Raises:
        ConfigError: `least` is below 3.
    """

    needs_rewards: ClassVar[bool] = True

    least: int = 8

    def __post_init__(self) -> None:
        if self.least < 3:
            raise ConfigError(f"length_corrected: least is {self.least}; it must be at least 3")

    async def select(self, request: Request, accepted: Sequence[ScoredCandidate]) -> Selection:
        """See `bestofn.core.protocols.Selector`.

        Raises:
            RewardError: a candidate has no reward.
        """
        if (only := alone(accepted, "length_corrected")) is not None:
            return only
        rewards = {each.index: each.reward for each in accepted if each.reward is not None}
        if missing := [each.index for each in accepted if each.index not in rewards]:
            raise RewardError(f"candidate {min(missing)} has no reward and cannot be ordered")
        lengths = _lengths(accepted)
        values = self._corrected(rewards, lengths)
        order = tuple(sorted(values, key=lambda i: (-values[i], lengths[i], i)))
        return Selection(order, values, chosen_by=ChosenBy("length_corrected", None, "reward"))

    def _corrected(
        self, rewards: Mapping[int, float], lengths: Mapping[int, int]
    ) -> Mapping[int, float]:
        if len(rewards) < self.least or len(set(lengths.values())) < 2:
            return rewards
        logs = {index: math.log(1 + length) for index, length in lengths.items()}
        indices = sorted(rewards)
        line = statistics.linear_regression(
            [logs[index] for index in indices], [rewards[index] for index in indices]
        )
        middle = statistics.fmean(logs.values())
        return {i: rewards[i] - line.slope * (logs[i] - middle) for i in indices}


def _lengths(candidates: Sequence[ScoredCandidate]) -> Mapping[int, int]:
    tokens = {each.index: each.candidate.completion_tokens for each in candidates}
    counted = {index: count for index, count in tokens.items() if count is not None}
    if len(counted) == len(tokens):
        return counted
    return {each.index: len(each.text) for each in candidates}
