"""Enough: stop as soon as candidates are good enough, by their reward."""

from __future__ import annotations

from dataclasses import dataclass

from bestofn.control.fixed import most
from bestofn.control.votes import nothing_to_save
from bestofn.core.controller import WAIT, Decision, Progress
from bestofn.core.errors import ConfigError

ENOUGH = "enough"
"""The rule's name, as aborted candidates and the ranking carry it."""


@dataclass(frozen=True, slots=True)
class Enough:
    """Stops once `count` accepted candidates have a reward of at least `reward`.

    Rewards compare across prompts only a little: choose the threshold on rewards of your own
    prompts.

    Args:
        reward: the least reward that counts.
        count: of such candidates, at least 1.

    Raises:
        ConfigError: `count` is below 1.
    """

    reward: float
    count: int = 1

    def __post_init__(self) -> None:
        if self.count < 1:
            raise ConfigError(f"enough: count is {self.count}; it must be at least 1")

    def decide(self, progress: Progress) -> Decision:
        """See `bestofn.core.controller.Controller`."""
        if nothing_to_save(progress, most(progress.request)):
            return WAIT
        rewards = [each.reward for each in progress.accepted if each.reward is not None]
        good = sum(reward >= self.reward for reward in rewards)
        return Decision(stop=ENOUGH) if good >= self.count else WAIT
