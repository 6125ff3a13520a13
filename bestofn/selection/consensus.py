"""Consensus: the text that is most like all others, where there is no answer to vote on."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, get_args

from bestofn.core.errors import ConfigError
from bestofn.core.ranking import ChosenBy, ScoredCandidate, Selection
from bestofn.core.types import Candidate, Request
from bestofn.selection.ballot import alone
from bestofn.selection.scores import Scores
from bestofn.selection.similarity import Measure, similarities
from bestofn.support.thoughts import without_thoughts

AT_ONCE = 20_000
"""Characters of all texts up to which they are compared on the event loop: some milliseconds."""


@dataclass(frozen=True, slots=True)
class ConsensusSelector:
    """Orders by the weighted mean similarity to all candidates, the candidate itself (1) among
    them, each with the weight ``exp(z / temperature)`` of `WeightedVoteSelector`: the first is the
    weighted medoid. It is that vote where texts are either the same or have nothing in common.

    Ties go to the higher score, then to the lower index. The confidence is the winner's value: the
    share of all weight that is like it, 0 to 1. An answer that calls tools is compared by its
    calls.

    Source: minimum Bayes risk decoding over samples (arXiv 2404.01054 has it with a reward), here
    with `bestofn.selection.similarity` as the utility.

    Args:
        temperature: of the weights, above 0.
        similarity: what makes two texts alike.

    Raises:
        ConfigError: an option is out of its range.
    """

    needs_rewards: ClassVar[bool] = False

    temperature: float = 1.0
    similarity: Measure = "ngrams"

    def __post_init__(self) -> None:
        if not self.temperature > 0:
            raise ConfigError(f"consensus: temperature is {self.temperature}; it must be above 0")
        if self.similarity not in get_args(Measure):
            known = ", ".join(get_args(Measure))
            raise ConfigError(f"consensus: similarity is {self.similarity!r}; there are {known}")

    def reads_logprobs(self, *, scored: bool) -> bool:
        """See `bestofn.core.protocols.ReadsLogprobs`."""
        return not scored

    async def select(self, request: Request, accepted: Sequence[ScoredCandidate]) -> Selection:
        """See `bestofn.core.protocols.Selector`."""
        if (only := alone(accepted, "consensus")) is not None:
            return only
        in_order = sorted(accepted, key=lambda each: each.index)
        texts = [_said(each.candidate) for each in in_order]
        if sum(map(len, texts)) <= AT_ONCE and self.similarity == "ngrams":
            alike = similarities(texts, self.similarity)
        else:
            alike = await asyncio.to_thread(similarities, texts, self.similarity)
        scores = Scores.of(accepted)
        weights = list(scores.weights(self.temperature).values())  # ascending by index, as texts
        whole = sum(weights)
        values = {
            each.index: sum(w * s for w, s in zip(weights, row, strict=True)) / whole
            for each, row in zip(in_order, alike, strict=True)
        }
        order = tuple(sorted(values, key=lambda i: (-values[i], scores.place(i))))
        by = ChosenBy("consensus", None, scores.kind)
        return Selection(order, values, values[order[0]], chosen_by=by)


def _said(candidate: Candidate) -> str:
    calls = candidate.message.get("tool_calls")
    return without_thoughts(candidate.text) + (str(calls) if calls else "")
