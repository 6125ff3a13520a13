"""Replace: another candidate for each that is rejected, at once."""

from __future__ import annotations

from dataclasses import dataclass

from bestofn.core.controller import WAIT, Decision, Progress
from bestofn.core.types import Stopped


@dataclass(frozen=True, slots=True)
class ReplaceRejected:
    """Keeps `best_of` candidates going that may still be ranked, while the budget lasts.

    A candidate that is rejected early is replaced at once, while others still run. A suspected one
    is not replaced, nor one that a rule has stopped, nor one whose sampling failed, since the next
    would fail alike. It adds to a controller that starts the first ones.

    Args:
        most: replacements at most; None: as many as the budget allows.
    """

    most: int | None = None

    def decide(self, progress: Progress) -> Decision:
        """See `bestofn.core.controller.Controller`."""
        best_of = progress.request.best_of
        if progress.sampled < best_of or progress.spent >= 1 or progress.request.temperature == 0:
            return WAIT
        lost = sum(
            bool(each.rejections) and not each.kept and not isinstance(each.failure, Stopped)
            for each in progress.finished.values()
        )
        replaced = progress.sampled - best_of
        wanted = lost if self.most is None else min(lost, self.most)
        return Decision(start=wanted - replaced) if wanted > replaced else WAIT
