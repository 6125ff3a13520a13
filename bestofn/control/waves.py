"""Waves: sample a few at a time, the next wave when the one before has been judged."""

from __future__ import annotations

from dataclasses import dataclass

from bestofn.control.fixed import most, notes
from bestofn.core.controller import WAIT, Decision, Progress
from bestofn.core.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Waves:
    """Starts `size` candidates, and so on up to `best_of`, whenever all before are finished and
    scored. In a `Chain` with a rule that stops early, later waves are never started.

    Args:
        size: of each wave, at least 1.

    Raises:
        ConfigError: `size` is below 1.
    """

    size: int

    def __post_init__(self) -> None:
        if self.size < 1:
            raise ConfigError(f"waves: size is {self.size}; it must be at least 1")

    def decide(self, progress: Progress) -> Decision:
        """See `bestofn.core.controller.Controller`."""
        missing = most(progress.request) - progress.sampled
        if missing < 1 or not progress.idle:
            return WAIT
        return Decision(start=min(self.size, missing), notes=notes(progress.request))
