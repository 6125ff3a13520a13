"""Replace: another candidate for each that is rejected, at once."""

from __future__ import annotations

from dataclasses import dataclass

from bestofn.core.controller import WAIT, Decision, Progress
from bestofn.core.ranking import ScoredCandidate


@dataclass(frozen=True, slots=True)
class ReplaceRejected:
    """Keeps `best_of` candidates going that may still be ranked, while the budget lasts.

    A candidate that is rejected early is replaced at once, while others still run, and so is one
    that a rule has stopped because it would be (`Loops`). A suspected one is not replaced, nor one
    that a rule has stopped otherwise, nor one whose sampling failed, since the next would fail
    alike. It adds to a controller that starts the first ones.

    Args:
        most: replacements at most; None: as many as the budget allows.
    """

    most: int | None = None

    def decide(self, progress: Progress) -> Decision:
        """See `bestofn.core.controller.Controller`."""
        best_of = progress.request.best_of
        if progress.sampled < best_of or progress.spent >= 1 or progress.request.temperature == 0:
            return WAIT
        lost = sum(_is_lost(each) for each in progress.finished.values())
        replaced = progress.sampled - best_of
        wanted = lost if self.most is None else min(lost, self.most)
        return Decision(start=wanted - replaced) if wanted > replaced else WAIT


def _is_lost(record: ScoredCandidate) -> bool:
    """Whether it was thrown out; where a rule has stopped it, whether it would have been."""
    if record.stopped is not None:
        return any(each.certain for each in record.rejections)
    return bool(record.rejections) and not record.kept
