"""The schedule of a pairwise judge: all pairs of N answers, or O(N log N) of them."""

from __future__ import annotations

import itertools
import math
import random

Pair = tuple[int, int]


def schedule_pairs(count: int, rng: random.Random, all_up_to: int) -> list[Pair]:
    """The pairs among `count` answers, each at most once.

    Up to `all_up_to` every pair. Above it the answers sit at a round table in random order, and
    each meets those at ``log2(count)`` random distances on both sides, rounded up (or all distances
    where there are fewer): every answer is in equally many pairs, and there are O(N log N).
    """
    if count <= max(all_up_to, 2):  # two meet in any case
        return list(itertools.combinations(range(count), 2))
    seats = rng.sample(range(count), count)
    distances = range(1, (count - 1) // 2 + 1)
    drawn = rng.sample(distances, min(math.ceil(math.log2(count)), len(distances)))
    return [
        (seats[at], seats[(at + distance) % count]) for distance in drawn for at in range(count)
    ]
