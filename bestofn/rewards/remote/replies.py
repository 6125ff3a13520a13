"""A reward server's replies as scores: a refusal is a failure, a fault an error."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from typing import TypeVar

from bestofn.core.errors import RequestError
from bestofn.core.no_winner import GeneratorError, RewardError
from bestofn.core.types import Failure, Score

REFUSED = "reward_server_refused"

Result = TypeVar("Result")


async def reply_or_failure(question: Awaitable[Result]) -> Result | Failure:
    """What the server said, or a failure where it says that the question is wrong.

    Raises:
        RewardError: it cannot be reached, or fails.
    """
    try:
        return await question
    except RequestError as error:
        return Failure(REFUSED, str(error))
    except GeneratorError as error:
        raise RewardError(str(error)) from error


def score_of(values: Sequence[float], tokens: int = 0, cut: int = 0) -> Score:
    """The score that a server's numbers for one text make.

    Raises:
        RewardError: it is not one number.
    """
    if len(values) != 1:
        raise RewardError(
            f"the reward server gives {len(values)} numbers for a text: one is a reward"
        )
    (value,) = values
    return Score.of(value, tokens=tokens, cut=cut, by="the reward server")
