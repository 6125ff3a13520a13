"""Expected gain: stop once one more candidate is not expected to be much better than the best."""

from __future__ import annotations

import statistics
from dataclasses import dataclass

from bestofn.control.fixed import most
from bestofn.control.recent_scores import RecentScores
from bestofn.control.votes import nothing_to_save, scores_of, without_scores
from bestofn.core.controller import WAIT, Decision, Progress
from bestofn.core.errors import ConfigError

EXPECTED_GAIN = "expected_gain"
"""The rule's name, as aborted candidates and the ranking carry it."""

PRIOR_WEIGHT = 2.0
"""Candidates that the scores of recent requests count for beside those of this one."""


@dataclass(frozen=True, slots=True)
class ExpectedGain:
    """Stops once the expected improvement by one more candidate is below `gain` standard
    deviations of the scores.

    Scores are taken as normal; mean and deviation are those of this request, drawn towards those
    of recent requests where they are known; as long as all are equal it waits. (Optimal stopping
    as in BEACON, arXiv 2510.15945, and Pandora's box, arXiv 2510.01394.)

    Args:
        rewards: whether scores are rewards; else they are mean logprobs.
        gain: above 0, in standard deviations.
        recent: scores of recent requests.

    Raises:
        ConfigError: `gain` is not above 0.
    """

    rewards: bool
    gain: float = 0.1
    recent: RecentScores | None = None

    def __post_init__(self) -> None:
        if not self.gain > 0:
            raise ConfigError(f"expected_gain: gain is {self.gain}; it must be above 0")

    def reads_logprobs(self, *, scored: bool) -> bool:
        """See `bestofn.core.protocols.ReadsLogprobs`."""
        return not self.rewards

    def decide(self, progress: Progress) -> Decision:
        """See `bestofn.core.controller.Controller`."""
        if nothing_to_save(progress, most(progress.request)):
            return WAIT
        scores = tuple(scores_of(progress, rewards=self.rewards).values())
        if not scores:
            return without_scores(progress, EXPECTED_GAIN, rewards=self.rewards)
        if len(scores) < 2:
            return WAIT
        mean, deviation = statistics.fmean(scores), statistics.stdev(scores)
        if self.recent is not None and (known := self.recent.spread()) is not None:
            weight = PRIOR_WEIGHT / (PRIOR_WEIGHT + len(scores))
            mean += weight * (known[0] - mean)
            deviation += weight * (known[1] - deviation)
        if deviation <= 0:  # equal scores say nothing of what the next one may be
            return WAIT
        gain = expected_improvement(mean, deviation, max(scores))
        return Decision(stop=EXPECTED_GAIN) if gain <= self.gain * deviation else WAIT


def expected_improvement(mean: float, deviation: float, best: float) -> float:
    """E[max(0, X - best)] for a normal X, in units of the score; 0 where the deviation is."""
    if deviation <= 0:
        return max(0.0, mean - best)
    normal, z = statistics.NormalDist(), (mean - best) / deviation
    return deviation * (normal.pdf(z) + z * normal.cdf(z))
