"""The quality benchmark's closed forms, against going through every subset."""

from __future__ import annotations

import itertools
import random
from statistics import mean

import pytest

from benchmarks.quality import Outcome, accuracies, table


def by_enumeration(outcome: Outcome, n: int) -> dict[str, float]:
    """What `accuracies` says, from all subsets one by one."""
    pool: list[tuple[int | None, bool]] = [
        (place, right) for place, right in enumerate(outcome.accepted)
    ]
    pool += [(None, right) for right in outcome.rejected]
    rows = []
    for subset in itertools.combinations(pool, n):
        accepted = [right for place, right in subset if place is not None]
        fallback = mean(right for _, right in subset)
        best = min((place for place, _ in subset if place is not None), default=None)
        rows.append(
            {
                "random": mean(right for _, right in subset),
                "random accepted": mean(accepted) if accepted else fallback,
                "reward": outcome.accepted[best] if best is not None else fallback,
                "oracle": any(right for _, right in subset),
            }
        )
    return {name: mean(row[name] for row in rows) for name in rows[0]}


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("n", [1, 2, 4, 7])
def test_accuracies_are_means_over_all_subsets(seed: int, n: int) -> None:
    rng = random.Random(seed)
    size = rng.randint(0, 7)
    draws = [rng.random() < 0.4 for _ in range(7)]
    outcome = Outcome("facts en", tuple(draws[:size]), tuple(draws[size:]))
    assert accuracies(outcome, n) == pytest.approx(by_enumeration(outcome, n))


def test_the_way_is_whole_where_the_reward_always_finds_the_right_one() -> None:
    outcomes = [Outcome("facts en", (True, *[False] * 14), (False,))] * 3
    rows = table(outcomes)
    assert rows[8]["way"] == pytest.approx(1.0)
    assert rows[8]["random"] == pytest.approx(1 / 16)
    assert rows[8]["oracle"] == pytest.approx(0.5)
