"""Hints at what is wrong with rewards: over-optimisation, and liking length for its own sake."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from bestofn.tuning.at_k import Estimate, rm_at
from bestofn.tuning.grading import Graded
from bestofn.tuning.plans import has_rewards

LEAST_ROWS = 30
"""Of which a verdict is given: the bootstrap's interval of a few rows is too narrow."""


@dataclass(frozen=True, slots=True)
class Fall:
    """How much rm@k loses from its best k to the largest.

    Args:
        best: k at which it is highest.
        most: the largest k.
        lost: rm@best less rm@most.
        elsewhere: the same, where the best k is that of the other half of the rows: that of the
            same rows is the best by chance, too.
        rows: that it was measured on.
    """

    best: int
    most: int
    lost: float
    elsewhere: Estimate
    rows: int

    @property
    def is_certain(self) -> bool:
        """Whether the interval of the loss lies above zero, and there are rows enough."""
        return self.elsewhere.low > 0 and self.rows >= LEAST_ROWS

    def __str__(self) -> str:
        if self.best == self.most:
            return f"rm@k is highest at the largest k, {self.most}: no sign of over-optimisation."
        said = f"rm@k at {self.most} is {self.lost:.1%} below that at {self.best}"
        if self.rows < LEAST_ROWS:
            return f"{said}: of {self.rows} rows, too few to tell."
        fell = self.elsewhere
        said += (
            f" (with k chosen on the other half of the rows {fell.value:.1%}; 95 %: {fell.low:.1%} "
            f"to {fell.high:.1%})"
        )
        if self.is_certain:
            return (
                f"{said}: the reward model is over-optimised; fewer candidates, a vote or another "
                "reward model choose better."
            )
        return f"{said}: within what chance does."


@dataclass(frozen=True, slots=True)
class LengthBias:
    """Whether longer answers get higher rewards, and whether they are right more often.

    Both are Spearman's rank correlation with the completion tokens within a row, the mean over the
    rows in which both differ, as reward models are tested for it by Singhal and others 2023
    (arXiv 2310.03716).

    Args:
        reward: of the rewards; None: no row has different ones.
        right: of being right; None: in no row some are and some are not.
        rows: in which rewards and lengths differ.
    """

    reward: Estimate | None
    right: Estimate | None
    rows: int

    def __str__(self) -> str:
        if self.reward is None:
            return "Length against reward: no row has rewards and lengths that differ."
        text = f"Length against reward: rank correlation {_range(self.reward)} within a prompt"
        if self.right is None:
            return f"{text}."
        text += f", against being right {_range(self.right)}"
        if self.reward.low > self.right.high and self.rows >= LEAST_ROWS:
            return (
                f"{text}: the reward model likes length for its own sake; compare length_corrected."
            )
        return f"{text}."


def fall(graded: Graded, sizes: Sequence[int]) -> Fall | None:
    """Whether rm@k falls with k (Gao and others 2022, arXiv 2210.10760, of rewards against what is
    wanted).

    None: there are no rewards; or what is right is agreement with a winner that the rewards chose,
    with which the rewards cannot but agree.
    """
    if graded.by == "agreement" or not has_rewards(graded.rows):
        return None
    by_size = {
        k: [
            rm_at(row.candidates, right, k)
            for row, right in zip(graded.rows, graded.right, strict=True)
            if len(row.candidates) >= max(sizes)
        ]
        for k in sizes
    }
    most, rows = max(sizes), len(by_size[max(sizes)])
    if not rows:
        return None

    def best(half: slice) -> int:
        return max(sizes, key=lambda k: (statistics.fmean(by_size[k][half] or [0.0]), k))

    halves = slice(0, None, 2), slice(1, None, 2)
    elsewhere = [
        of_best - of_most
        for here, other in (halves, halves[::-1])
        for of_best, of_most in zip(by_size[best(other)][here], by_size[most][here], strict=True)
    ]
    estimate = Estimate.of(elsewhere)
    if estimate is None:
        return None
    highest = best(slice(None))
    lost = statistics.fmean(by_size[highest]) - statistics.fmean(by_size[most])
    return Fall(highest, most, lost, estimate, rows)


def length_bias(graded: Graded) -> LengthBias | None:
    """See `LengthBias`; None: there are no rewards."""
    if not has_rewards(graded.rows):
        return None
    of_reward: list[float] = []
    of_right: list[float] = []
    for row, right in zip(graded.rows, graded.right, strict=True):
        held = [
            (each.candidate.completion_tokens, each.reward, float(right[each.index]))
            for each in row.candidates
            if each.reward is not None and each.candidate.completion_tokens is not None
        ]
        if len(held) < 2:
            continue
        tokens, rewards, verdicts = zip(*held, strict=True)
        of_reward += _rank_correlation(tokens, rewards)
        of_right += _rank_correlation(tokens, verdicts)
    right_too = None if graded.by == "agreement" else Estimate.of(of_right)
    return LengthBias(Estimate.of(of_reward), right_too, len(of_reward))


def _rank_correlation(a: Sequence[float], b: Sequence[float]) -> Iterator[float]:
    """Spearman's; nothing where one of them does not vary."""
    if len(set(a)) > 1 and len(set(b)) > 1:
        yield statistics.correlation(_ranks(a), _ranks(b))


def _ranks(values: Sequence[float]) -> list[float]:
    """Ranks from the lowest; equal values share the mean of theirs."""
    _, at, counts = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    return [float(rank) for rank in (ends - (counts - 1) / 2)[at]]


def _range(estimate: Estimate) -> str:
    return f"{estimate.value:+.2f} ({estimate.low:+.2f} to {estimate.high:+.2f})"
