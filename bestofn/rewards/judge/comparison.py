"""Judging by comparison, listwise or pairwise: who takes part, and what one alone gets."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from bestofn.core.types import Candidate, Failure, Request, Score
from bestofn.rewards.judge.question import Answer, answer_of
from bestofn.rewards.judge.replies import require_reachable

Judge = Callable[[Request, Sequence[Answer]], Awaitable[Sequence[Score]]]
"""A request and two answers or more to one score each, in the order given."""

ALONE = 0.0
"""The reward of one that there is nothing to compare with. It is no guess: these rewards say how
many of the others an answer is better than, and there are no others."""


async def score_by_comparison(
    judge: Judge, request: Request, candidates: Sequence[Candidate]
) -> list[Score]:
    """One `Score` per candidate, in the order given.

    Those that cannot be shown fail and do not take part. The others are handed on in the order of
    their indices: in which order they finished says nothing, and would not repeat.

    Raises:
        RewardError: the judge's server failed for all of them.
    """
    shown = {place: answer_of(candidate) for place, candidate in enumerate(candidates)}
    scores = {
        place: Score(None, failure=answer)
        for place, answer in shown.items()
        if isinstance(answer, Failure)
    }
    answers = {place: each for place, each in shown.items() if isinstance(each, Answer)}
    order = sorted(answers, key=lambda place: candidates[place].index)
    if len(order) == 1:
        scores[order[0]] = Score(ALONE)
    elif order:
        judged = await judge(request, [answers[place] for place in order])
        scores |= zip(order, judged, strict=True)
    return require_reachable([scores[place] for place in range(len(candidates))])


def divide_tokens(tokens: int, count: int) -> list[int]:
    """`tokens` divided among `count`, the first ones take what is left over."""
    each, left = divmod(tokens, count)
    return [each + (place < left) for place in range(count)]
