"""Owns which error says why nothing could be ranked."""

from __future__ import annotations

from bestofn.core.errors import (
    DeadlineError,
    GeneratorError,
    NothingAcceptableError,
    RewardError,
    UnrankedError,
)
from bestofn.core.ranking import Ranking


def unranked_error(
    ranking: Ranking, *, reward_fault: str | None, deadline: float | None
) -> UnrankedError:
    """The error that carries `ranking`, which has no winner.

    Args:
        ranking: what was done.
        reward_fault: what the reward model said where it failed on something acceptable.
        deadline: seconds, for the sentence.
    """
    reasons = ", ".join(f"{n} {reason}" for reason, n in ranking.rejected.items())
    faults = [c.failure for c in ranking.candidates if c.failure is not None]
    total = len(ranking.candidates)
    if reward_fault is not None:
        return RewardError(f"the reward model failed: {reward_fault}", ranking)
    if len(faults) == total and all(f.reason == "generation_error" for f in faults):
        return GeneratorError(f"all {total} candidates failed: {faults[0].detail}", ranking)
    if ranking.deadline_reached:
        return DeadlineError(f"nothing acceptable finished within {deadline:g} s", ranking)
    if faults:
        failed = f"{len(faults)} failed ({faults[0].detail})"
        reasons = f"{reasons}; {failed}" if reasons else failed
    return NothingAcceptableError(f"none of {total} candidates is acceptable: {reasons}", ranking)
