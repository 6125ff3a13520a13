"""Agreement: stop once the answers agree so far that more would hardly change the vote."""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass, field

from bestofn.control.fixed import most
from bestofn.control.votes import Votes, counts_of, nothing_to_save
from bestofn.core.controller import WAIT, Decision, Progress
from bestofn.core.errors import ConfigError
from bestofn.core.protocols import AnswerKey

MANY = 500
"""Votes from which the binomial is not summed any more: decisions have to be quick."""

AGREEMENT = "agreement"
"""The rule's name, as aborted candidates and the ranking carry it."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """Stops once the leading answer is ahead of the next with this probability.

    The probability is that of the Beta posterior of the two leading counts (Adaptive-Consistency,
    Aggarwal and others 2023, arXiv 2305.11860): see `lead`. At 0.95, four equal answers are enough,
    six against one, or eight against two.

    Args:
        answer_key: what is voted on; candidates without a key do not vote.
        confidence: above 0.5 and below 1.
        votes: stop as soon as one answer has so many votes, whatever the others have; None: only
            by confidence.

    Raises:
        ConfigError: a number is out of its range.
    """

    answer_key: AnswerKey | None
    confidence: float = 0.95
    votes: int | None = None
    _voted: Votes = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not 0.5 < self.confidence < 1:
            raise ConfigError(
                f"agreement: confidence is {self.confidence}; it must be above 0.5 and below 1"
            )
        if self.votes is not None and self.votes < 1:
            raise ConfigError(f"agreement: votes is {self.votes}; it must be at least 1")
        object.__setattr__(self, "_voted", Votes(self.answer_key))

    def decide(self, progress: Progress) -> Decision:
        """See `bestofn.core.controller.Controller`."""
        if nothing_to_save(progress, most(progress.request)):
            return WAIT
        first, second = [*counts_of(self._voted.keys(progress)), 0, 0][:2]
        enough = self.votes is not None and first >= self.votes
        if enough or (first and lead(first, second) >= self.confidence):
            return Decision(stop=AGREEMENT)
        return WAIT


def lead(first: int, second: int) -> float:
    """The probability that the answer with `first` votes is the more frequent one, against that
    with `second`: ``1 - I(0.5; first + 1, second + 1)`` of the Beta posterior over a uniform prior,
    which for whole numbers is the tail of a binomial: P(X <= first), X ~ B(first + second + 1, .5).

        lead(4, 0) == 0.96875
    """
    n = first + second + 1
    if n > MANY:  # by the normal distribution, to three digits
        return statistics.NormalDist(n / 2, math.sqrt(n) / 2).cdf(first + 0.5)
    tail: int = sum(math.comb(n, i) for i in range(first + 1))
    return tail / (1 << n)
