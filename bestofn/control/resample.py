"""Resample: once more best_of candidates, where nothing that was sampled is acceptable."""

from __future__ import annotations

from dataclasses import dataclass

from bestofn.core.controller import WAIT, Decision, Progress


@dataclass(frozen=True, slots=True)
class Resample:
    """Starts another round while all that came back was rejected.

    A suspicion is no reason: a suspected candidate can be returned. Nor is a fault, since another
    round would meet it again; nor temperature 0, where it would sample the same.

    Args:
        max_rounds: rounds in all, the first included.
        max_tokens: none starts once so many completion tokens were sampled; None: no limit.
        max_seconds: none starts after this time; None: no limit.
    """

    max_rounds: int
    max_tokens: int | None = None
    max_seconds: float | None = None

    def decide(self, progress: Progress) -> Decision:
        """See `bestofn.core.controller.Controller`."""
        request = progress.request
        if not progress.idle or progress.sampled < request.best_of or request.temperature == 0:
            return WAIT
        records = progress.finished.values()
        if progress.rounds >= self.max_rounds or any(each.kept for each in records):
            return WAIT
        if not any(each.rejections for each in records) or any(
            each.lost_to_reward_model for each in records
        ):
            return WAIT
        if self.max_tokens is not None and progress.tokens >= self.max_tokens:
            return WAIT
        if self.max_seconds is not None and progress.elapsed >= self.max_seconds:
            return WAIT
        return Decision(start=request.best_of)
