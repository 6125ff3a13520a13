"""Scores: the number that says how good a candidate is by itself, where there is one.

A candidate's score is its reward; where nothing scores, the mean logprob of its tokens; where the
backend gives none, there are no scores. The scores of a request are all of one kind.

    scores = Scores.of(candidates)
    weights = scores.weights(temperature=1.0)     # exp(z / T) each, z-scored within the request
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from bestofn.core.ranking import ScoredCandidate

ScoreKind = Literal["reward", "mean_logprob"]
"""Where scores come from: the reward model, or the engine's logprobs."""


@dataclass(frozen=True, slots=True)
class Scores:
    """The scores of candidates.

    Args:
        indices: of all candidates, ascending.
        known: score by index; a candidate without one is not there, and never counts as 0.
        kind: where they come from; None: no candidate has one.
    """

    indices: tuple[int, ...]
    known: Mapping[int, float]
    kind: ScoreKind | None

    @classmethod
    def of(cls, candidates: Sequence[ScoredCandidate]) -> Scores:
        """Rewards where at least one candidate has one, else mean logprobs; finite ones only.

        Mean logprobs of different models do not compare: a small vocabulary, or a model that is
        always sure, has higher ones. Where several generators sampled they are z-scored within the
        candidates of each, so that they say which of a model's answers it was surest of.
        """
        indices = tuple(sorted(each.index for each in candidates))
        rewards = _finite({each.index: each.reward for each in candidates})
        if rewards:
            return cls(indices, rewards, "reward")
        logprobs = _finite({each.index: each.candidate.mean_logprob for each in candidates})
        logprobs = within_generators(logprobs, candidates)
        return cls(indices, logprobs, "mean_logprob" if logprobs else None)

    def place(self, index: int) -> tuple[bool, float, int]:
        """Sorts by score, highest first; those without one last; ties by index."""
        score = self.known.get(index)
        return (score is None, 0.0 if score is None else -score, index)

    def weights(self, temperature: float) -> Mapping[int, float]:
        """``exp(z / temperature)`` of each candidate, z being its score less the mean, in standard
        deviations (of the population); it needs no scale of the scores. Only ratios count: they are
        given with the highest as 1, so that no temperature overflows.

        All are 1 where the scores are equal or unknown. A candidate without a score has the mean
        weight of the others: it is neither good nor bad.
        """
        values = list(self.known.values())
        spread = statistics.pstdev(values) if values else 0.0
        if not values or spread <= 1e-12 * max(1.0, max(map(abs, values))):
            return dict.fromkeys(self.indices, 1.0)
        top = max(values)
        weights = {i: math.exp((v - top) / spread / temperature) for i, v in self.known.items()}
        unknown = statistics.fmean(weights.values())
        return {index: weights.get(index, unknown) for index in self.indices}


def within_generators(
    values: Mapping[int, float], candidates: Sequence[ScoredCandidate]
) -> Mapping[int, float]:
    """What was read of logprobs, so that it compares: as it is where one generator sampled, else
    in standard deviations (of the population) from the mean of the candidate's own generator; 0
    where those of a generator are equal, or one has the only one.

    Args:
        values: by index; candidates without one are not there.
        candidates: all.
    """
    of = {each.index: each.candidate.generator for each in candidates}
    groups: dict[str | None, list[int]] = {}
    for index in values:
        groups.setdefault(of[index], []).append(index)
    if len(groups) < 2:
        return values
    scored: dict[int, float] = {}
    for indices in groups.values():
        own = [values[index] for index in indices]
        mean, spread = statistics.fmean(own), statistics.pstdev(own)
        flat = spread <= 1e-12 * max(1.0, *map(abs, own))
        scored |= {i: 0.0 if flat else (values[i] - mean) / spread for i in indices}
    return {index: scored[index] for index in values}


def _finite(values: Mapping[int, float | None]) -> Mapping[int, float]:
    return {i: value for i, value in values.items() if value is not None and math.isfinite(value)}
