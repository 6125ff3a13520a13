"""Candidates that vote: a text each, which is its answer key, with a reward or a mean logprob."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from bestofn.core.protocols import Selector
from bestofn.core.ranking import ScoredCandidate, Selection
from bestofn.core.types import Candidate, Request

REQUEST = Request.from_prompt("x", seed=1)


@dataclass(frozen=True, slots=True)
class WholeText:
    """The text before a colon is the key; one that begins with "?" does not vote."""

    def key(self, request: Request, candidate: Candidate) -> str | None:
        key = candidate.text.partition(":")[0]
        return None if key.startswith("?") else key


def voter(
    index: int,
    text: str,
    reward: float | None = None,
    *,
    logprob: float | None = None,
    tokens: int | None = 5,
    token_logprobs: tuple[float, ...] | None = None,
) -> ScoredCandidate:
    """A candidate that was accepted."""
    message = {"role": "assistant", "content": text}
    candidate = Candidate(
        index, message, "stop", tokens, mean_logprob=logprob, token_logprobs=token_logprobs
    )
    return ScoredCandidate(candidate, reward=reward)


def voters(*texts: str, rewards: Sequence[float | None] | None = None) -> list[ScoredCandidate]:
    """One a text, in order of index."""
    given = rewards or [None] * len(texts)
    return [voter(i, text, given[i]) for i, text in enumerate(texts)]


async def chosen(selector: Selector, candidates: Sequence[ScoredCandidate]) -> Selection:
    """The selection, which is the same in whatever order the candidates come."""
    found = [
        await selector.select(REQUEST, permuted)
        for permuted in itertools.islice(itertools.permutations(candidates), 0, 720, 7)
    ]
    assert all(each.order == found[0].order for each in found), "it depends on who came first"
    return found[0]
