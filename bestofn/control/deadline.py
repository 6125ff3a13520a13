"""Deadline: what has finished by then is ranked, the rest is aborted."""

from __future__ import annotations

from dataclasses import dataclass

from bestofn.core.controller import WAIT, Decision, Progress
from bestofn.core.ranking import DEADLINE


@dataclass(frozen=True, slots=True)
class Deadline:
    """Aborts what runs at the deadline, and gives up the scores that are missing then.

    While there is no score at all the first is waited for, so that the answer may come later by one
    call of the reward model. It starts nothing itself; a `Policy` asks nobody else past its
    deadline, so that nothing is started any more.

    Args:
        seconds: from the request's start.
    """

    seconds: float

    def decide(self, progress: Progress) -> Decision:
        """See `bestofn.core.controller.Controller`."""
        if progress.elapsed < self.seconds:
            return Decision(wake=self.seconds)
        if progress.running:
            return Decision(abort=dict.fromkeys(progress.running, DEADLINE))
        if progress.scoring:
            return Decision(stop=DEADLINE) if progress.rewards else WAIT
        late = any(each.stopped == DEADLINE for each in progress.finished.values())
        return Decision(stop=DEADLINE) if late or not progress.sampled else WAIT
