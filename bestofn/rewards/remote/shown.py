"""Answers as the texts that a server reads which takes nothing else: tool calls stand in them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from bestofn.core.types import Candidate, Failure, Score
from bestofn.rewards.text.messages import text_with_calls
from bestofn.rewards.text.renderer import UNRENDERABLE


async def scores_of_shown(
    candidates: Sequence[Candidate],
    scores: Callable[[Sequence[Candidate], Sequence[str]], Awaitable[Sequence[Score]]],
) -> list[Score]:
    """One score per candidate, in order; a failure for each that no text shows.

    Args:
        candidates: what is to be scored.
        scores: asks for those that can be shown, each with its text; not called without any.
    """
    texts = [_shown(each) for each in candidates]
    shown = [
        (each, text) for each, text in zip(candidates, texts, strict=True) if isinstance(text, str)
    ]
    found = iter(await scores(*zip(*shown, strict=True)) if shown else ())
    return [
        Score(None, failure=text) if isinstance(text, Failure) else next(found) for text in texts
    ]


def _shown(candidate: Candidate) -> str | Failure:
    try:
        return text_with_calls(candidate.message)
    except ValueError as error:
        return Failure(UNRENDERABLE, f"the reward server cannot be shown it: {error}")
