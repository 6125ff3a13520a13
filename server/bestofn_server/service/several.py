"""Several prompts of one request: one without an acceptable answer costs the others nothing.

rankings = await each_ranked([rank(prompt) for prompt in prompts])
# that of prompt 1 has no winner, and a note: "prompt 1 has no choice: all 4 candidates ..."
"""

from __future__ import annotations

import dataclasses
from collections.abc import Coroutine, Sequence
from typing import Any

from bestofn.core.no_winner import DeadlineError, NothingAcceptableError
from bestofn.core.ranking import Ranking
from bestofn.support.concurrency import gather_or_cancel


async def each_ranked(work: Sequence[Coroutine[Any, Any, Ranking]]) -> list[Ranking]:
    """The rankings, one per prompt, in their order. Faults of the engine or the reward model end
    all, since the request can be sent again.

    Raises:
        NothingAcceptableError, DeadlineError: no prompt has an answer; of several prompts the
            sentence names the first.
        Exception: the first other one.
    """
    if len(work) == 1:
        return [await work[0]]
    outcomes = await gather_or_cancel(map(_outcome, work))
    rankings: list[Ranking] = []
    for at, outcome in enumerate(outcomes):
        if isinstance(outcome, Ranking):
            rankings.append(outcome)
        elif outcome.ranking is not None:
            note = f"prompt {at} has no choice: {outcome}"
            failed = outcome.ranking
            rankings.append(dataclasses.replace(failed, notes=(*failed.notes, note)))
    first = outcomes[0]
    if not isinstance(first, Ranking) and not any(isinstance(each, Ranking) for each in outcomes):
        sentence = f"none of the {len(work)} prompts has an answer; prompt 0: {first}"
        raise type(first)(sentence, first.ranking) from first
    return rankings


async def _outcome(
    work: Coroutine[Any, Any, Ranking],
) -> Ranking | NothingAcceptableError | DeadlineError:
    """The ranking, or why there is none, with all that was done."""
    try:
        return await work
    except (NothingAcceptableError, DeadlineError) as error:
        if error.ranking is None:
            raise
        return error
