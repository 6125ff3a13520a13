"""pass@k, maj@k and rm@k over recorded candidates.

    pass@k   one of k is right: what a perfect choice would reach
    maj@k    the answer that most of k give is right
    rm@k     the highest reward of k is right: best-of-n; where it falls with k, the reward model
             is over-optimised

All are the mean over rows, with a 95 % interval by bootstrap over rows.
"""

from __future__ import annotations

import math
import random
import statistics
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from math import comb

from bestofn.builders.choosing import build_answer_key
from bestofn.core.protocols import AnswerKey, Suiting
from bestofn.core.ranking import ScoredCandidate
from bestofn.settings.sections import AnswerKeySettings
from bestofn.tuning.compare import interval, share_interval
from bestofn.tuning.grading import Graded
from bestofn.tuning.plans import AUTO_KEY, has_rewards
from bestofn.tuning.recorded import RecordedRow

MAJORITIES = 32
"""Random subsets of a row of which the majority is taken; all of them are too many."""

Verdicts = Mapping[int, bool]
"""Whether the candidate of an index is right."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean over rows and its 95 % interval."""

    value: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Estimate | None:
        """Of one value a row; None: there is none."""
        return cls(statistics.fmean(values), *interval(values)) if values else None

    @classmethod
    def of_shares(cls, values: Sequence[float]) -> Estimate | None:
        """Of one share a row, 0 to 1; None: there is none."""
        return cls(statistics.fmean(values), *share_interval(values)) if values else None


@dataclass(frozen=True, slots=True)
class AtK:
    """What k candidates come to.

    Args:
        k: of them.
        any_right: pass@k.
        majority: maj@k; None: nothing has an answer key.
        reward: rm@k; None: nothing has a reward.
    """

    k: int
    any_right: Estimate | None
    majority: Estimate | None
    reward: Estimate | None


def at_k(graded: Graded, sizes: Sequence[int], key: AnswerKeySettings = AUTO_KEY) -> list[AtK]:
    """pass@k, maj@k and rm@k for each k; rows with fewer candidates than the largest take no part.

    Args:
        graded: rows with their verdicts.
        sizes: the values of k.
        key: what is voted on.
    """
    pairs = [
        (row, right)
        for row, right in zip(graded.rows, graded.right, strict=True)
        if len(row.candidates) >= max(sizes)
    ]
    scored, voted = has_rewards(graded.rows), build_answer_key(key)
    keys = [_keys(row, voted) for row, _ in pairs]
    votes = any(each for each in keys)
    found = []
    for k in sizes:
        passes = [pass_at(list(right.values()), k) for _, right in pairs]
        majorities = [
            maj_at(row, right, of_row, k)
            for (row, right), of_row in zip(pairs, keys, strict=True)
            if votes
        ]
        rewards = [rm_at(row.candidates, right, k) for row, right in pairs if scored]
        found.append(AtK(k, *map(Estimate.of_shares, (passes, majorities, rewards))))
    return found


def pass_at(right: Sequence[bool], k: int) -> float:
    """The chance that one of k candidates is right (pass@k), without bias: ``1 - C(n - c, k) /
    C(n, k)`` for c right ones of n (Chen and others 2021, arXiv 2107.03374).

    Args:
        right: of each of n candidates.
        k: 1 to n.
    """
    n, wrong = len(right), len(right) - sum(right)
    return 1 - comb(wrong, k) / comb(n, k)


def maj_at(row: RecordedRow, right: Verdicts, keys: Mapping[int, str], k: int) -> float:
    """The chance that the majority of k candidates is right (maj@k: Wang and others 2022, arXiv
    2203.11171; Lewkowycz and others 2022, arXiv 2206.14858), over `MAJORITIES` random subsets.

    Keys of equal votes share; where no candidate votes, all of the subset do. The draws follow from
    the request's id, and a larger subset holds the smaller one.
    """
    drawn = random.Random(row.request.id)
    shares = []
    for _ in range(MAJORITIES):
        subset = drawn.sample(row.candidates, len(row.candidates))[:k]
        votes = Counter(keys[each.index] for each in subset if each.index in keys)
        most = max(votes.values(), default=0)
        said = [
            (right[each.index], 1 / votes[keys[each.index]])
            for each in subset
            if each.index in keys and votes[keys[each.index]] == most
        ] or [(right[each.index], 1.0) for each in subset]
        shares.append(sum(ok * weight for ok, weight in said) / sum(weight for _, weight in said))
    return statistics.fmean(shares)


def rm_at(candidates: Sequence[ScoredCandidate], right: Verdicts, k: int) -> float:
    """The chance that the highest reward of k candidates is on a right one (rm@k), without bias,
    over all subsets: the i-th lowest of n is the highest of ``C(i - 1, k - 1)`` of the ``C(n, k)``
    (Nakano and others 2021, arXiv 2112.09332, appendix I).

    Accepted candidates come before suspected ones, as in a request; equal rewards share. Without a
    candidate that could be ranked a subset is wrong.
    """
    ordered = sorted(candidates, key=_place)
    below, total = 0, 0.0
    for place, tied in groupby(ordered, _place):
        held = [right[each.index] for each in tied]
        chance = comb(below + len(held), k) - comb(below, k)
        if place[0] > 0:
            total += chance * sum(held) / len(held)
        below += len(held)
    return total / comb(below, k)


def _place(each: ScoredCandidate) -> tuple[int, float]:
    """Where a candidate stands, the higher the better; the first is 0 of what is not ranked."""
    if each.reward is None or not each.kept:
        return 0, 0.0
    return (2 if each.accepted else 1), each.reward


def _keys(row: RecordedRow, key: AnswerKey) -> Mapping[int, str]:
    """The answer keys of what may be ranked, by index."""
    kept = [each for each in row.candidates if each.kept]
    found: AnswerKey | None = key
    if isinstance(key, Suiting):
        found = key.suited(row.request, [each.candidate for each in kept])
    if found is None:
        return {}
    said = ((each.index, found.key(row.request, each.candidate)) for each in kept)
    return {index: value for index, value in said if value is not None}


def sizes_up_to(most: int) -> list[int]:
    """1, 2, 4, ... and `most`."""
    powers = [2**i for i in range(int(math.log2(most)) + 1)]
    return sorted({*powers, most})
