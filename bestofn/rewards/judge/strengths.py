"""Strengths from comparisons (Bradley and Terry 1952): who was beaten counts, not only how often.

    rewards = expected_wins(4, [(0, 1, 1.0), (2, 3, 1.0), (0, 2, 1.0), (1, 3, 0.5)])

In a Swiss tournament winners meet winners, so that shares of points say too little of those who
lost to the best.
"""

from __future__ import annotations

from collections.abc import Sequence

ITERATIONS = 250
"""Of the fit, at most: after three rounds among 4 to 64 answers nothing moves any more, to the last
bit, from the 246th on (measured over 40 tournaments)."""

CLOSE = 1e-9
"""Relative change of the strengths at which the fit has ended."""

Result = tuple[int, int, float]
"""First, second, and the points of the first: 1, 0.5 or 0."""


def expected_wins(count: int, results: Sequence[Result]) -> list[float]:
    """How many of the others each is expected to beat, 0 to count - 1.

    The strengths p, with which i beats j with probability ``p_i / (p_i + p_j)``, are those of
    maximum likelihood (by minorisation, Hunter 2004, algorithm MM), where each has also drawn once
    with an answer of strength 1: without that who won everything would have no finite strength.

    Args:
        count: of all; those without a result are as strong as the average.
        results: each pair at most once.
    """
    wins = [0.5] * count
    met: list[list[int]] = [[] for _ in range(count)]
    for first, second, points in results:
        wins[first] += points
        wins[second] += 1 - points
        met[first].append(second)
        met[second].append(first)
    strengths = [1.0] * count
    for _ in range(ITERATIONS):
        fitted = [
            wins[i] / (1 / (p + 1) + sum(1 / (p + strengths[j]) for j in met[i]))
            for i, p in enumerate(strengths)
        ]
        moved = max(abs(new / old - 1) for new, old in zip(fitted, strengths, strict=True))
        strengths = fitted
        if moved < CLOSE:
            break
    return [sum(p / (p + q) for q in strengths) - 0.5 for p in strengths]
