"""Errors that end a request without a winner. Each carries the `Ranking` of what was done, so that
nothing is lost: its candidates with their rejections and failures, its tokens and seconds.
"""

from __future__ import annotations

from bestofn.core.errors import BestOfNError
from bestofn.core.ranking import Ranking
from bestofn.core.types import GENERATION_ERROR, Stopped


class NoWinnerError(BestOfNError):
    """No winner; `ranking` holds every candidate with its rejections or its failure.

    Args:
        message: one sentence.
        ranking: what was done until then; None where nothing was sampled.
    """

    def __init__(self, message: str, ranking: Ranking | None = None) -> None:
        super().__init__(message, ranking)
        self.message = message
        self.ranking = ranking

    def __str__(self) -> str:
        return self.message


class GeneratorError(NoWinnerError):
    """The engine or an upstream failed; with a ranking where that ended a request."""


class GeneratorBusyError(GeneratorError):
    """The engine or an upstream has too much to do, and would say so again before long.

    Args:
        message: one sentence.
        ranking: as `NoWinnerError`.
        retry_after: seconds after which another attempt makes sense.
    """

    def __init__(
        self, message: str, ranking: Ranking | None = None, *, retry_after: float = 1.0
    ) -> None:
        super().__init__(message, ranking)
        self.retry_after = retry_after


class RewardError(NoWinnerError):
    """The reward model failed and nothing could be ranked."""


class NothingAcceptableError(NoWinnerError):
    """Every candidate was rejected or failed, and the policy allows no fallback."""


class DeadlineError(NoWinnerError):
    """The policy's deadline came before anything acceptable had finished."""


class ControllerError(NoWinnerError):
    """A controller raised, or would have started candidates for ever."""


def no_winner_error(
    ranking: Ranking, *, reward_fault: str | None, deadline: float | None
) -> NoWinnerError:
    """The error that carries `ranking`, which has no winner.

    Args:
        ranking: what was done.
        reward_fault: what the reward model said where it failed on something acceptable.
        deadline: seconds, for the sentence.
    """
    total = len(ranking.candidates)
    failures = [c.failure for c in ranking.candidates if c.failure is not None]
    if reward_fault is not None:
        return RewardError(f"the reward model failed: {reward_fault}", ranking)
    if total and len(failures) == total and all(f.reason == GENERATION_ERROR for f in failures):
        message = f"all {total} candidates failed: {failures[0].detail}"
        waits = [c.candidate.retry_after for c in ranking.candidates]
        if known := [wait for wait in waits if wait is not None]:
            return GeneratorBusyError(message, ranking, retry_after=max(known))
        return GeneratorError(message, ranking)
    if ranking.deadline_reached:
        within = "in time" if deadline is None else f"within {deadline:g} s"
        return DeadlineError(f"nothing acceptable finished {within}", ranking)
    if not total:
        why = f": the rule {ranking.stopped_by} stopped it" if ranking.stopped_by else ""
        return NothingAcceptableError(f"no candidate was sampled{why}", ranking)
    reasons = [", ".join(f"{n} {reason}" for reason, n in ranking.rejected.items())]
    for said, kind in (("stopped", True), ("failed", False)):
        those = [f for f in failures if isinstance(f, Stopped) is kind]
        reasons.append(f"{len(those)} {said} ({those[0].detail})" if those else "")
    why = "; ".join(filter(None, reasons))
    return NothingAcceptableError(f"none of {total} candidates is acceptable: {why}", ranking)
