"""AdaBoN: samples shared out over rows by what the first of each showed.

Source: "AdaBoN: Adaptive Best-of-N Alignment", 2025 (arXiv 2505.12050), algorithm 1: the rewards of
a row's first samples estimate how its rewards are distributed, by a Gaussian kernel density; from
that follows what j more samples would add to its best reward; and since each adds less than the one
before, giving every sample to the row that gains most is optimal. Other than there, a sample may
also be rejected, and then adds nothing. Gains of different rows are compared as the reward model
gives them: rewards differ between prompts by a constant that the model never learnt, which a
difference within a prompt does not have.
"""

from __future__ import annotations

import heapq
import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

STEPS = 256
"""Of the integral over rewards, which ends `TAIL` bandwidths above the best: less than 1e-9 of a
normal distribution lies beyond."""

TAIL = 6.0

NOTHING = 1e-6
"""A gain that is none: what is left of rewards that are equal but for rounding."""

_normal_cdf = np.vectorize(lambda z: 0.5 * math.erfc(-z / math.sqrt(2)), otypes=[float])


@dataclass(frozen=True, slots=True)
class FirstSamples:
    """What the first samples of a row showed.

    Args:
        rewards: of its accepted samples.
        sampled: how many samples those are of.
        wanted: how many it would get if all rows were treated alike.
    """

    rewards: tuple[float, ...]
    sampled: int
    wanted: int


def allocate(rows: Sequence[FirstSamples]) -> list[int]:
    """How many more samples each row gets; in all no more than what all rows want.

    A row with less than two accepted samples gets what it wants, since nothing can be estimated
    from one. What no row would gain from is not sampled at all.
    """
    given = [0 if len(row.rewards) > 1 else max(0, row.wanted - row.sampled) for row in rows]
    left = sum(max(0, row.wanted - row.sampled) for row in rows) - sum(given)
    gains = [_Gain.of(row) if len(row.rewards) > 1 else None for row in rows]
    heap = [(-gain.next, place) for place, gain in enumerate(gains) if gain is not None]
    heapq.heapify(heap)
    while left > 0 and heap and -heap[0][0] > NOTHING:
        place = heap[0][1]
        gain = gains[place]
        assert gain is not None
        given[place] += 1
        left -= 1
        gain.advance()
        heapq.heapreplace(heap, (-gain.next, place))
    return given


@dataclass(slots=True)
class _Gain:
    """What the next sample adds to a row's best reward, on average.

    The best of j samples more stays below x with probability q(x)^j, where q is the probability
    that one sample is rejected or below x. Its mean above the best so far is the integral of
    1 - q^j from there on, and the next sample's part of it that of q^j (1 - q).
    """

    step: float
    below: NDArray[np.float64]
    next: float = 0.0
    _power: NDArray[np.float64] = field(default_factory=lambda: np.ones(STEPS))

    @classmethod
    def of(cls, row: FirstSamples) -> _Gain:
        # Scott's rule for one dimension, as in the paper's implementation (scipy's default).
        width = statistics.stdev(row.rewards) * len(row.rewards) ** -0.2
        best = max(row.rewards)
        accepted = len(row.rewards) / row.sampled
        if width <= 0:
            return cls(0.0, np.ones(STEPS))
        grid = np.linspace(best, best + TAIL * width, STEPS)
        centred = (grid[:, None] - np.array(row.rewards)) / width
        below = 1 - accepted + accepted * _normal_cdf(centred).mean(axis=1)
        made = cls(float(grid[1] - grid[0]), below)
        made.next = made._value()
        return made

    def advance(self) -> None:
        """One sample more is given."""
        self._power *= self.below
        self.next = self._value()

    def _value(self) -> float:
        return float(np.trapezoid(self._power * (1 - self.below), dx=self.step))
