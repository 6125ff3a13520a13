"""Shares: which of several generators samples which candidate of a request.

assigned((2.0, 1.0), 6)      (0, 1, 0, 0, 1, 0): four of the first, two of the second
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence


def counts(shares: Sequence[float], best_of: int) -> list[int]:
    """How many of `best_of` candidates each generator samples: by the method of the largest
    remainder (Hare and Niemeyer). Equal remainders go to the one that is named first.

    Args:
        shares: of each, above 0; only their ratios count.
        best_of: at least 1.
    """
    whole = math.fsum(shares)
    quotas = [best_of * share / whole for share in shares]
    given = [math.floor(quota + 1e-9) for quota in quotas]  # 3 * (1 / 3) is 1
    left = best_of - sum(given)
    by_remainder = sorted(range(len(shares)), key=lambda at: (given[at] - quotas[at], at))
    for at in by_remainder[:left]:
        given[at] += 1
    return given


@functools.lru_cache(maxsize=256)
def assigned(shares: tuple[float, ...], best_of: int) -> tuple[int, ...]:
    """The place of the generator of each candidate of a round, in order of their indices.

    They take turns, so that the first few candidates, a wave for example, are mixed as all are: the
    next one is whoever lags most behind its part; ties go to the one that is named first.
    """
    wanted = counts(shares, best_of)
    given = [0] * len(shares)
    order = []
    for number in range(1, best_of + 1):
        lags = [
            whole * number / best_of - sampled if sampled < whole else -math.inf
            for whole, sampled in zip(wanted, given, strict=True)
        ]
        chosen = lags.index(max(lags))
        given[chosen] += 1
        order.append(chosen)
    return tuple(order)
