"""Progress of a request as a controller sees it, made by hand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bestofn.core.controller import Progress, Running
from bestofn.core.ranking import ScoredCandidate
from bestofn.core.types import Candidate, Failure, Rejection, Request, Stopped

CERTAIN = (Rejection("cut", "length", "it did not end"),)
UNSURE = (Rejection("cut", "no_period", "it may not have ended", certain=False),)
FAULT = Failure("generation_error", "no memory")


def record(
    index: int,
    reward: float | None = None,
    *,
    rejections: tuple[Rejection, ...] = (),
    failure: Failure | None = None,
    tokens: int = 10,
    finish_reason: str = "stop",
) -> ScoredCandidate:
    """A finished candidate."""
    candidate = Candidate(index, {"role": "assistant", "content": "x"}, finish_reason, tokens)
    return ScoredCandidate(candidate, rejections, failure, reward)


def stopped(index: int, rule: str) -> ScoredCandidate:
    """A candidate that a rule stopped."""
    return record(index, failure=Stopped(rule, "not finished"))


def progress(
    finished: Sequence[ScoredCandidate] = (), running: Sequence[int] = (), **fields: Any
) -> Progress:
    """Of a request for four candidates, unless `fields` say otherwise."""
    known: dict[str, Any] = {
        "request": Request.from_prompt("x", best_of=4),
        "scoring": False,
        "waves": 1 if finished or running else 0,
        "rounds": 1 if finished or running else 0,
        "elapsed": 0.1,
    }
    return Progress(
        finished={each.index: each for each in finished},
        running={index: Running(index) for index in running},
        **{**known, **fields},
    )
