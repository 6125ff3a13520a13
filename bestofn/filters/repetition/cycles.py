"""The search for loops in a token sequence: exact cycles and near copies, anywhere in it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from bestofn.filters.repetition.segmentation import Ids, Mask

_ZERO = np.zeros(1, dtype=np.int32)


@dataclass(frozen=True, slots=True)
class Cycle:
    """Tokens `start` to `start + length` (exclusive) repeat what stands `period` tokens before.

    `length` counts the first copy too, so there are ``length / period`` copies.
    """

    start: int
    period: int
    length: int

    @property
    def copies(self) -> int:
        """How many whole copies there are, the first one included."""
        return self.length // self.period


def exact_cycles(ids: Ids, longest: int, copies: int) -> Iterator[Cycle]:
    """For each period up to `longest` tokens, its longest stretch of at least `copies` copies.

    Yields periods in ascending order, the first stretch where two are equally long. A loop of
    period p is also one of 2p. Time: O(tokens * longest) in vectorised comparisons.
    """
    # All but the first copy consist of tokens that stood before, which short answers have few of.
    longest = min(longest, len(ids) // copies, _seen_before(ids) // (copies - 1))
    for period in range(1, longest + 1):
        equal = ids[period:] == ids[:-period]
        if np.count_nonzero(equal) < (copies - 1) * period:
            continue
        # The stretches of equality lie between neighbouring mismatches.
        breaks = np.flatnonzero(np.concatenate(([True], ~equal, [True])))
        gaps = np.diff(breaks)
        widest = int(np.argmax(gaps))
        run = int(gaps[widest]) - 1
        if run >= (copies - 1) * period:
            yield Cycle(int(breaks[widest]), period, run + period)


def near_cycles(
    ids: Ids, judged: Mask, longest: int, copies: int, similarity: float, least: float = 0
) -> Iterator[Cycle]:
    """For each period, the stretch that repeats itself best where a few tokens vary.

    In the stretch at least the share `similarity` of the judged tokens equals the token one
    period before; other tokens count for nothing. It is the maximum-sum segment with 1 -
    similarity for a match and -similarity for a mismatch, so it begins and ends in matches.
    Only stretches of at least `copies` copies are yielded, and only those of periods at which
    `least` judged tokens or more equal the one before. Time: as `exact_cycles`.
    """
    matches = max(copies - 1, math.ceil(least))
    if _seen_before(ids) < matches:
        return
    loss = round(1000 * similarity)
    for period in range(2, min(longest, len(ids) // copies) + 1):
        counted = judged[period:]
        equal = (ids[period:] == ids[:-period]) & counted
        if np.count_nonzero(equal) < matches:
            continue
        # In thousandths, as integers: sums are exact, and 32 bits hold two million tokens.
        gain = 1000 * equal.astype(np.int32) - loss * counted
        total = np.concatenate((_ZERO, np.cumsum(gain, dtype=np.int32)))
        rise = total - np.minimum.accumulate(total)
        end = int(np.argmax(rise))
        begin = int(np.argmin(total[: end + 1]))
        if end - begin >= (copies - 1) * period:
            yield Cycle(begin, period, end - begin + period)


def _seen_before(ids: Ids) -> int:
    """How many of the tokens equal one before them."""
    return len(ids) - len(set(ids.tolist()))
