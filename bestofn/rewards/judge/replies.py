"""A judge's reply and the verdict read in it; what cannot be read becomes a failure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from bestofn.core.finish_reason import ended_by_itself
from bestofn.core.no_winner import RewardError
from bestofn.core.types import Failure, Score

UNPARSABLE = "judge_unparsable"
"""`Failure.reason` where the reply holds no verdict."""

REFUSED = "judge_refused"
"""Where the judge's server says that the question is wrong, e.g. too long for the model."""

UNREACHABLE = "judge_error"
"""Where the judge's server cannot be reached or fails."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Reply:
    """What the judge's server answered to one question.

    Args:
        text: the message's content; a reasoning model's thoughts are not in it.
        finish_reason: the server's own word.
        tokens: prompt and completion tokens, as the server counts them.
        first_tokens: that could have come, with their log-probabilities; None: not given.
        failure: why there is no reply.
    """

    text: str = ""
    finish_reason: str = ""
    tokens: int = 0
    first_tokens: Sequence[tuple[str, float]] | None = None
    failure: Failure | None = None


@dataclass(frozen=True, slots=True)
class Verdict(Generic[T]):
    """What was read in a reply: exactly one of `value` and `failure` is there.

    Args:
        value: what the judge says.
        tokens: of the reply and its question.
        failure: why nothing could be read.
    """

    value: T | None
    tokens: int
    failure: Failure | None = None


def verdict_of(reply: Reply, parse: Callable[[str], T]) -> Verdict[T]:
    """The verdict in a reply that ended by itself.

    Args:
        reply: from the judge.
        parse: its text to the verdict; raises ValueError with one sentence where there is none.
    """
    if reply.failure is not None:
        return Verdict(None, reply.tokens, reply.failure)
    if not ended_by_itself(reply.finish_reason):
        ended = f"the judge's reply did not end by itself (finish_reason {reply.finish_reason})"
        more = ": give it more max_tokens" if reply.finish_reason == "length" else ""
        return Verdict(None, reply.tokens, Failure(UNPARSABLE, ended + more))
    try:
        return Verdict(parse(reply.text), reply.tokens)
    except ValueError as error:
        detail = f"the judge's reply cannot be read: {error}"
        return Verdict(None, reply.tokens, Failure(UNPARSABLE, detail))


def require_reachable(scores: Sequence[Score]) -> list[Score]:
    """The scores themselves.

    Raises:
        RewardError: there are some, and each failed because the judge's server did.
    """
    failures = [score.failure for score in scores if score.failure is not None]
    if scores and [failure.reason for failure in failures] == [UNREACHABLE] * len(scores):
        raise RewardError(failures[0].detail)
    return list(scores)
