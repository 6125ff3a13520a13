"""What a filter says besides, where there are candidates that it cannot judge: `Abstaining`."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from bestofn.core.types import Candidate, Request


@runtime_checkable
class Abstaining(Protocol):
    """What a filter offers besides, where a fact that it judges by may be unknown.

    Such a candidate is not rejected, and the result's notes and the log say that it was not judged.
    """

    def abstains(self, request: Request, candidate: Candidate) -> str | None:
        """What of this candidate it did not judge, and why, as one sentence for the notes, which is
        the same for all candidates of which it is true; None: it judged it. Quick: asked on the
        event loop, of candidates that the engine did not fail on. Must not raise."""
        ...
