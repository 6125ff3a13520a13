"""Digest: a comparison small enough to stand in the report of a run.

Some rows, drawn evenly, under every selector and under one setting of each stopping rule, so that
it takes seconds however large the run is; `bestofn compare` takes all of them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from bestofn.core.errors import ConfigError
from bestofn.settings.sections import AnswerKeySettings
from bestofn.tuning.at_k import sizes_up_to
from bestofn.tuning.compare import outcomes
from bestofn.tuning.grading import graded
from bestofn.tuning.page import Compared
from bestofn.tuning.plans import AUTO, Plan, choosing_plans, stopping_plans
from bestofn.tuning.recorded import RecordedRow

SIZES = 3
"""Sizes that are compared: the largest, and its halves."""


async def digest(rows: Sequence[RecordedRow], answer_key: AnswerKeySettings) -> Compared:
    """The comparison of some rows, which are right by their references, else by agreement.

    Args:
        rows: recorded candidates, in their order.
        answer_key: what is voted on.

    Raises:
        ConfigError: no two candidates of a row can be compared, or nothing could be graded.
    """
    if not rows:
        raise ConfigError("no row has two finished candidates")
    most = _size(rows)
    held = [row for row in rows if len(row.candidates) >= most]
    found = await graded(held, None, answer_key)
    sizes = sizes_up_to(most)[-SIZES:]
    plans = [
        *choosing_plans(found.rows, sizes, AUTO, answer_key),
        *_one_of_each(list(stopping_plans(found.rows, most, AUTO, answer_key))),
    ]
    made = [each async for each in outcomes(found.rows, found.right, plans, draws=1)]
    whole = next(e for e in made if e.plan.best_of == most and e.plan.selector == AUTO)
    return Compared(found, made, whole, answer_key, len(rows) - len(held))


def _size(rows: Sequence[RecordedRow]) -> int:
    """The most candidates that at least half of the rows have."""
    counts = sorted(len(row.candidates) for row in rows)
    return counts[len(counts) // 2]


def _one_of_each(plans: Sequence[Plan]) -> list[Plan]:
    """Of each rule, and each way to start candidates, the middle one of its settings."""
    by_rule: dict[tuple[str, object], list[Plan]] = defaultdict(list)
    for plan in plans:
        by_rule[plan.stop.rule, plan.stop.waves].append(plan)
    return [held[len(held) // 2] for held in by_rule.values()]
