"""Fixed N: sample `best_of` candidates at once. What a plain best-of-n does."""

from __future__ import annotations

from dataclasses import dataclass

from bestofn.core.controller import WAIT, Decision, Progress
from bestofn.core.types import Request


@dataclass(frozen=True, slots=True)
class Fixed:
    """Starts what is missing to `best_of`: all of them, or the rest beside an earlier ranking.

    At temperature 0 all candidates of a model would be equal: one of each is started, and the notes
    say so.
    """

    def decide(self, progress: Progress) -> Decision:
        """See `bestofn.core.controller.Controller`."""
        missing = most(progress.request) - progress.sampled
        if missing < 1:
            return WAIT
        return Decision(start=missing, notes=notes(progress.request))


def most(request: Request) -> int:
    """How many candidates are worth sampling: `best_of`, or one of each model at temperature 0."""
    return min(request.sources, request.best_of) if request.temperature == 0 else request.best_of


def notes(request: Request) -> tuple[str, ...]:
    """What to tell of a request of which fewer are sampled than it asks for."""
    sampled, best_of = most(request), request.best_of
    if sampled == best_of:
        return ()
    of_one = "" if request.sources == 1 else " of a model"
    return (
        f"temperature 0 makes all candidates{of_one} equal: sampled {sampled} instead of {best_of}",
    )
