"""What happens when no candidate is acceptable, and until when a request is worked on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from bestofn.core.errors import RequestError

OnExhausted = Literal["resample", "best_rejected", "error"]
"""What happens when no candidate is acceptable; see `Policy`."""


@dataclass(frozen=True, slots=True)
class Policy:
    """What to do when no candidate is acceptable.

    Args:
        on_exhausted: ``resample``: sample best_of more, up to `max_rounds` rounds in all, while
            the budgets last, then as ``best_rejected``. ``best_rejected``: return the rejected
            candidate with the highest reward, flagged in `Ranking.fallback`. ``error``: raise
            `NothingAcceptableError`. Empty texts and failed candidates are never returned.
        max_rounds: rounds of sampling in all, the first included (>= 1).
        max_resample_tokens: no new round starts once this many completion tokens were sampled;
            None: no limit.
        max_resample_seconds: no new round starts after this time; None: no limit.
        deadline_seconds: sampling is stopped after this time, and the best of what has finished
            and passed is returned (`Ranking.deadline_reached`); None: no deadline. Scores that are
            missing then are waited for only while there is none at all, so the answer may come
            later by one call of the reward model.
    """

    on_exhausted: OnExhausted = "resample"
    max_rounds: int = 2
    max_resample_tokens: int | None = None
    max_resample_seconds: float | None = None
    deadline_seconds: float | None = None

    def __post_init__(self) -> None:
        if self.max_rounds < 1:
            raise RequestError(f"max_rounds is {self.max_rounds}; it must be at least 1")
        if self.deadline_seconds is not None and self.deadline_seconds <= 0:
            raise RequestError(f"the deadline is {self.deadline_seconds} s; it must be above 0")
