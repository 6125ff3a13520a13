"""Accepted: k of n. Start n, and abort the rest once k candidates were accepted."""

from __future__ import annotations

from dataclasses import dataclass

from bestofn.control.fixed import most
from bestofn.control.votes import nothing_to_save
from bestofn.core.controller import WAIT, Decision, Progress
from bestofn.core.errors import ConfigError

ACCEPTED = "accepted"
"""The rule's name, as aborted candidates and the ranking carry it."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """Stops once `count` candidates were accepted.

    It cuts off the slowest candidates, which cost the most: the knob for latency. Since short
    answers finish first, it favours them. (First Finish Search, arXiv 2505.18149, for k = 1.)

    Args:
        count: k, at least 1.

    Raises:
        ConfigError: `count` is below 1.
    """

    count: int

    def __post_init__(self) -> None:
        if self.count < 1:
            raise ConfigError(f"accepted: count is {self.count}; it must be at least 1")

    def decide(self, progress: Progress) -> Decision:
        """See `bestofn.core.controller.Controller`."""
        if nothing_to_save(progress, most(progress.request)):
            return WAIT
        return Decision(stop=ACCEPTED) if len(progress.accepted) >= self.count else WAIT
