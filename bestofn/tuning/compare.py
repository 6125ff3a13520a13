"""Comparison of plans over recorded rows: how often each is right, and what it costs.

Every plan is replayed over the same random draws of candidates of every row, so that differences
between plans are differences of the plans. A draw is one pass over all rows, in their order, by one
policy, which learns from each of them for the next as it does in serving. The interval is the
mean's over rows, by bootstrap.
"""

from __future__ import annotations

import dataclasses
import math
import random
import statistics
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from bestofn.builders.choosing import build_answer_key, build_selector
from bestofn.builders.stopping import Readable, stopping
from bestofn.control.policy import Policy
from bestofn.core.best_of_n import best_of_n
from bestofn.core.no_winner import NoWinnerError
from bestofn.tuning.plans import Plan, has_rewards, mixed
from bestofn.tuning.recorded import RecordedRow
from bestofn.tuning.replay import Replay

_Z = statistics.NormalDist().inv_cdf(0.975)

RESAMPLES = 400
"""Of the bootstrap."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a plan comes to, over all rows and draws.

    Args:
        plan: which.
        accuracy: share of draws whose winner is right, 0 to 1.
        low, high: the 95 % interval of the accuracy, over rows.
        tokens: completion tokens of a request, the mean; those of aborted candidates too. Rows in
            which not every candidate's are known take no part; nan: there are no others.
        steps: decode steps of a request, the mean of the same rows: how long it takes beside a
            batch of its own.
        sampled: candidates of a request that were started, the mean.
    """

    plan: Plan
    accuracy: float
    low: float
    high: float
    tokens: float
    steps: float
    sampled: float


@dataclass(frozen=True, slots=True)
class _Draw:
    """One replay: 1 or 0 for right, and its cost."""

    right: float
    tokens: int | None
    steps: int | None
    sampled: int


async def outcomes(
    rows: Sequence[RecordedRow],
    right: Sequence[Mapping[int, bool]],
    plans: Sequence[Plan],
    *,
    draws: int = 4,
    seed: int = 0,
) -> AsyncIterator[Outcome]:
    """The outcome of each plan, in their order, as soon as it is there.

    Args:
        rows: recorded candidates.
        right: of each row, whether the candidate of an index is right.
        plans: what is compared; a row with fewer candidates than `best_of` takes no part.
        draws: of each row's candidates.
        seed: of the draws.
    """
    scored = has_rewards(rows)
    for plan in plans:
        yield await _outcome(rows, right, plan, scored, draws, seed)


async def _outcome(
    rows: Sequence[RecordedRow],
    right: Sequence[Mapping[int, bool]],
    plan: Plan,
    scored: bool,
    draws: int,
    seed: int,
) -> Outcome:
    key = build_answer_key(plan.answer_key)
    selector = build_selector(plan.selector, key)
    several = mixed(rows)
    held = [
        (row, verdicts, random.Random(f"{seed} {number}"))
        for number, (row, verdicts) in enumerate(zip(rows, right, strict=True))
        if len(row.candidates) >= plan.best_of
    ]
    found: list[list[_Draw]] = [[] for _ in held]
    for draw in range(draws):
        parts = stopping(plan.stop, Readable.of(key, rewards=scored, several=several))
        policy = Policy("best_rejected", **parts)
        for of_row, (row, verdicts, drawn) in zip(found, held, strict=True):
            # The same order for every size: a larger draw holds the smaller one.
            order = drawn.sample(row.candidates, len(row.candidates))[: plan.best_of]
            run = Replay(order)
            request = dataclasses.replace(
                row.request, best_of=plan.best_of, id=f"{row.request.id} {draw}"
            )
            try:
                ranking = await best_of_n(request, run.pipeline(selector, policy))
            except NoWinnerError as error:
                if error.ranking is None:
                    continue
                ranking = error.ranking
            winner = ranking.winner
            is_right = winner is not None and verdicts[order[winner.index].index]
            # By row, and not by draw: every plan's costs are of the same rows.
            tokens, steps = ranking.usage.completion_tokens, run.steps
            cost = (tokens, steps) if row.counted else (None, None)
            of_row.append(_Draw(float(is_right), *cost, len(ranking.candidates)))
    return _summed(plan, [of_row for of_row in found if of_row])


def _summed(plan: Plan, found: Sequence[Sequence[_Draw]]) -> Outcome:
    if not found:
        nan = float("nan")
        return Outcome(plan, nan, nan, nan, nan, nan, nan)
    by_row = [statistics.fmean(each.right for each in of_row) for of_row in found]
    every = [each for of_row in found for each in of_row]
    low, high = share_interval(by_row)
    return Outcome(
        plan,
        statistics.fmean(by_row),
        low,
        high,
        _mean_known(each.tokens for each in every),
        _mean_known(each.steps for each in every),
        statistics.fmean(each.sampled for each in every),
    )


def _mean_known(values: Iterable[int | None]) -> float:
    known = [value for value in values if value is not None]
    return statistics.fmean(known) if known else math.nan


def share_interval(values: Sequence[float]) -> tuple[float, float]:
    """`interval` of shares, 0 to 1; where all are 0 or all are 1, and the bootstrap has no width,
    Wilson's (1927)."""
    if {*values} not in ({0.0}, {1.0}):
        return interval(values)
    width = _Z**2 / (len(values) + _Z**2)
    return (1.0 - width, 1.0) if values[0] else (0.0, width)


def interval(values: Sequence[float], seed: int = 0) -> tuple[float, float]:
    """The 95 % interval of the mean, by bootstrap over the values."""
    drawn = np.random.default_rng(seed)
    held = np.asarray(values)
    means = sorted(
        float(held[drawn.integers(len(held), size=len(held))].mean()) for _ in range(RESAMPLES)
    )
    return means[round(0.025 * RESAMPLES)], means[round(0.975 * RESAMPLES) - 1]
