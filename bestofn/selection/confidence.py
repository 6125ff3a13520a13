"""The confidence of the model itself: the candidate whose tokens were the most probable."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal, get_args

from bestofn.core.errors import ConfigError
from bestofn.core.ranking import ChosenBy, ScoredCandidate, Selection
from bestofn.core.types import Candidate, Request
from bestofn.selection.ballot import alone
from bestofn.selection.scores import within_generators

Measure = Literal["mean", "lowest_window", "tail"]
"""What of the logprobs counts: the mean of all, of the worst window, of the last window."""


@dataclass(frozen=True, slots=True)
class ConfidenceSelector:
    """Orders by the logprobs of the sampled tokens, highest first. Ties go to the lower index;
    candidates without logprobs come last. The confidence is the geometric mean of the probabilities
    that count. Where several generators sampled, the order is that of
    `bestofn.selection.scores.within_generators`.

    The windows are DeepConf's (arXiv 2508.15260), which takes the mean over the likeliest tokens
    instead of the sampled one's. They did worse than the mean where they were measured, on short
    answers of small models, so they are options and no default.

    Args:
        measure: what counts.
        window: tokens of a window, at least 1; a shorter answer is one window.

    Raises:
        ConfigError: an option is out of its range.
    """

    needs_rewards: ClassVar[bool] = False

    measure: Measure = "mean"
    window: int = 128

    def __post_init__(self) -> None:
        if self.measure not in get_args(Measure):
            known = ", ".join(get_args(Measure))
            raise ConfigError(f"confidence: measure is {self.measure!r}; there are {known}")
        if self.window < 1:
            raise ConfigError(f"confidence: window is {self.window}; it must be at least 1")

    def reads_logprobs(self, *, scored: bool) -> bool:
        """See `bestofn.core.protocols.ReadsLogprobs`."""
        return True

    async def select(self, request: Request, accepted: Sequence[ScoredCandidate]) -> Selection:
        """See `bestofn.core.protocols.Selector`."""
        if (only := alone(accepted, "confidence")) is not None:
            return only
        found = {each.index: self._value(each.candidate) for each in accepted}
        known = {index: value for index, value in found.items() if value is not None}
        place = within_generators(known, accepted)
        order = tuple(sorted(found, key=lambda i: (i not in place, -place.get(i, 0.0), i)))
        confidence = math.exp(known[order[0]]) if order[0] in known else None
        by = ChosenBy("confidence", None, "mean_logprob" if known else None)
        return Selection(order, known, confidence, chosen_by=by)

    def _value(self, candidate: Candidate) -> float | None:
        if self.measure == "mean":
            return candidate.mean_logprob
        logprobs = candidate.token_logprobs
        if not logprobs:
            return None
        width = min(self.window, len(logprobs))
        if self.measure == "tail":
            return sum(logprobs[-width:]) / width
        total = lowest = sum(logprobs[:width])
        for at in range(width, len(logprobs)):
            total += logprobs[at] - logprobs[at - width]
            lowest = min(lowest, total)
        return lowest / width
