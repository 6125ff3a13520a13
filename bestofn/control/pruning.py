"""Prune: score candidates while they are decoded, and stop those that are behind."""

from __future__ import annotations

import math
from dataclasses import dataclass

from bestofn.control.fixed import most
from bestofn.core.controller import WAIT, Decision, Progress, Running
from bestofn.core.errors import ConfigError

PRUNE = "prune"
"""The rule's name, as aborted candidates and the ranking carry it."""


@dataclass(frozen=True, slots=True)
class Prune:
    """At checkpoints scores the snapshots of what runs, and aborts the lower part of it.

    Checkpoints are at `first` tokens, at twice as many, at four times, ... Once every running
    candidate has its score at a checkpoint, the share `keep` of those that are left is kept, the
    highest first: at the k-th ``ceil(best_of * keep ** k)``, but never fewer than `protect`. The
    accepted count among those that are left, since they are safe; the rejected do not. A candidate
    whose snapshot could not be scored is not aborted. Ties go to the lower index.

    (Speculative rejection, arXiv 2410.20290.) A reward model for whole answers is no value
    function: whether its reward of a part says anything about the whole is to be measured first
    (``python -m benchmarks.mid_decode``).

    Args:
        keep: share, above 0 and below 1.
        first: tokens of the first checkpoint, at least 1.
        protect: candidates that are always left, at least 1.

    Raises:
        ConfigError: a number is out of its range.
    """

    keep: float
    first: int = 64
    protect: int = 4

    def __post_init__(self) -> None:
        if not 0 < self.keep < 1:
            raise ConfigError(f"prune: keep is {self.keep}; it must be above 0 and below 1")
        if self.first < 1:
            raise ConfigError(f"prune: first is {self.first}; it must be at least 1")
        if self.protect < 1:
            raise ConfigError(f"prune: protect is {self.protect}; it must be at least 1")

    @property
    def snapshot_tokens(self) -> int:
        """See `bestofn.core.mid_decode.ReadsSnapshots`."""
        return self.first

    def decide(self, progress: Progress) -> Decision:
        """See `bestofn.core.controller.Controller`."""
        running = [each for each in progress.running.values() if each.aborted_by is None]
        due = frozenset(each.index for each in running if self._is_due(each))
        if due:  # as many as possible in one call: wait until the reward model is free
            return WAIT if progress.scoring else Decision(score=due)
        passed = min((self._passed(each.scored_at) for each in running), default=0)
        if not passed:
            return WAIT
        accepted = len(progress.accepted)
        left = max(self.protect, math.ceil(most(progress.request) * self.keep**passed))
        surplus = len(running) + accepted - left
        if surplus < 1:
            return WAIT
        scored = [(e.reward, -e.index) for e in running if e.reward is not None]
        behind = sorted(scored)[:surplus]
        return Decision(abort={-index: PRUNE for _, index in behind}) if behind else WAIT

    def _is_due(self, running: Running) -> bool:
        return running.latest is not None and (
            self._passed(running.tokens) > self._passed(running.scored_at)
        )

    def _passed(self, tokens: int) -> int:
        """How many checkpoints a candidate of so many tokens has passed."""
        return (tokens // self.first).bit_length()
