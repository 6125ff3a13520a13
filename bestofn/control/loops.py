"""Loops: stop a running candidate that can only end as rejected, instead of paying for the rest."""

from __future__ import annotations

from dataclasses import dataclass

from bestofn.core.controller import WAIT, Decision, Progress, Running
from bestofn.core.errors import ConfigError
from bestofn.core.ranking import ScoredCandidate

LOOPS = "loops"
"""The rule's name, as aborted candidates and the ranking carry it."""


@dataclass(frozen=True, slots=True)
class Loops:
    """Aborts a candidate once its snapshot shows that it will be rejected for certain, whatever
    follows: once it repeats itself without end.

    Which snapshots show that is said by the pipeline's filters that foresee
    (`bestofn.core.mid_decode.Foreseeing`); of those that ship, the repetition filter does. The
    aborted candidate keeps the rejection. They are shown a snapshot at `first` tokens, and again
    whenever it has grown by `growth`, so that what is read in all is linear in the answer's length:
    ``1 / (1 - 1 / growth)`` times its whole. The last candidate of which an answer may come runs
    on, so that where all loop there is still a rejected one to fall back on.

    Args:
        first: tokens of the first snapshot that is checked, at least 1; the shortest loop that the
            repetition filter is certain of has 14.
        growth: above 1.

    Raises:
        ConfigError: a number is out of its range.
    """

    first: int = 16
    growth: float = 1.25

    def __post_init__(self) -> None:
        if self.first < 1:
            raise ConfigError(f"loops: first is {self.first}; it must be at least 1")
        if not self.growth > 1:
            raise ConfigError(f"loops: growth is {self.growth}; it must be above 1")

    @property
    def snapshot_tokens(self) -> int:
        """See `bestofn.core.mid_decode.ReadsSnapshots`."""
        return self.first

    def decide(self, progress: Progress) -> Decision:
        """See `bestofn.core.controller.Controller`."""
        running = progress.running.values()
        check = frozenset(each.index for each in running if self._is_due(each))
        doomed = [e.index for e in running if e.rejection is not None and e.aborted_by is None]
        if not check and not doomed:
            return WAIT
        if doomed and not _others(progress):
            doomed.remove(min(doomed))
        return Decision(check=check, abort=dict.fromkeys(doomed, LOOPS))

    def _is_due(self, running: Running) -> bool:
        if running.latest is None or running.rejection is not None:
            return False
        return running.tokens >= max(self.first, self.growth * running.checked_at)


def _others(progress: Progress) -> bool:
    """Whether an answer may come of a candidate that is not known to loop, or has come."""
    if any(
        each.rejection is None and each.aborted_by is None for each in progress.running.values()
    ):
        return True
    return any(each.failure is None and _says(each) for each in progress.finished.values())


def _says(record: ScoredCandidate) -> bool:
    return bool(record.text.strip() or record.candidate.message.get("tool_calls"))
