"""Plateau: stop once the best score has not risen for some candidates."""

from __future__ import annotations

from dataclasses import dataclass

from bestofn.control.fixed import most
from bestofn.control.votes import nothing_to_save, scores_of, without_scores
from bestofn.core.controller import WAIT, Decision, Progress
from bestofn.core.errors import ConfigError

PLATEAU = "plateau"
"""The rule's name, as aborted candidates and the ranking carry it."""


@dataclass(frozen=True, slots=True)
class Plateau:
    """Stops once `patience` accepted candidates in a row, in order of completion, were no better
    than the best before them.

    Args:
        rewards: whether scores are rewards; else they are mean logprobs.
        patience: at least 1; one by one, 5 reached best-of-16's accuracy with 0.59 of its tokens on
            the embedded pair (``python -m benchmarks.stopping``).

    Raises:
        ConfigError: `patience` is below 1.
    """

    rewards: bool
    patience: int = 5

    def __post_init__(self) -> None:
        if self.patience < 1:
            raise ConfigError(f"plateau: patience is {self.patience}; it must be at least 1")

    def reads_logprobs(self, *, scored: bool) -> bool:
        """See `bestofn.core.protocols.ReadsLogprobs`."""
        return not self.rewards

    def decide(self, progress: Progress) -> Decision:
        """See `bestofn.core.controller.Controller`."""
        if nothing_to_save(progress, most(progress.request)):
            return WAIT
        scores = tuple(scores_of(progress, rewards=self.rewards).values())
        if not scores:
            return without_scores(progress, PLATEAU, rewards=self.rewards)
        since = len(scores) - 1 - scores.index(max(scores))
        return Decision(stop=PLATEAU) if since >= self.patience else WAIT
