"""Owns which answers are compared in pairs: all of them, or so many that calls stay affordable."""

from __future__ import annotations

import itertools
import math
import random

ALL_UP_TO = 8
"""Answers up to which every pair is compared: 28 pairs."""

Pair = tuple[int, int]


def pairs_of(count: int, draw: random.Random, all_up_to: int = ALL_UP_TO) -> list[Pair]:
    """The pairs among `count` answers, each at most once.

    Up to `all_up_to` every pair. Above it the answers sit at a round table in random order, and
    each meets those at ``log2(count)`` random distances on both sides, rounded up (or all distances
    where there are fewer): every answer is in equally many pairs, and there are O(N log N).
    """
    if count <= all_up_to:
        return list(itertools.combinations(range(count), 2))
    seats = draw.sample(range(count), count)
    distances = range(1, (count - 1) // 2 + 1)
    drawn = draw.sample(distances, min(math.ceil(math.log2(count)), len(distances)))
    return [
        (seats[at], seats[(at + distance) % count]) for distance in drawn for at in range(count)
    ]
