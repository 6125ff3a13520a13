"""What a plan costs is known of the rows whose tokens were counted, and of no others."""

from __future__ import annotations

import dataclasses
import math

import pytest

from bestofn.core.errors import ConfigError
from bestofn.core.ranking import ScoredCandidate
from bestofn.core.types import Request
from bestofn.settings.sections import SelectorSettings
from bestofn.settings.stopping import StopSettings
from bestofn.tuning.compare import Outcome, outcomes
from bestofn.tuning.plans import Plan
from bestofn.tuning.recommend import CostLimit, recommended
from bestofn.tuning.recorded import RecordedRow
from tests.support.progress import record

BEST_OF = 4
ARGMAX = SelectorSettings(name="argmax")
WHOLE = Plan(BEST_OF, ARGMAX)
SHORTER = Plan(BEST_OF, ARGMAX, StopSettings.model_validate({"rule": "accepted", "count": 2}))


def row(number: int, counted: int = BEST_OF) -> RecordedRow:
    """Candidates of which the first `counted` have a count."""
    held = [record(i, float(i), tokens=10 * (1 + i + number)) for i in range(BEST_OF)]
    held = [each if each.index < counted else _uncounted(each) for each in held]
    return RecordedRow(Request.from_prompt("x", best_of=BEST_OF, id=str(number)), tuple(held))


def _uncounted(each: ScoredCandidate) -> ScoredCandidate:
    bare = dataclasses.replace(each.candidate, completion_tokens=None, group_tokens=None)
    return dataclasses.replace(each, candidate=bare)


async def costs(rows: list[RecordedRow], plan: Plan) -> Outcome:
    right = [{i: i > 1 for i in range(BEST_OF)} for _ in rows]
    (found,) = [each async for each in outcomes(rows, right, [plan])]
    return found


@pytest.mark.parametrize("plan", [WHOLE, SHORTER, Plan(1, ARGMAX)])
async def test_costs_are_those_of_the_counted_rows(plan: Plan) -> None:
    counted = [row(number) for number in range(3)]
    known = await costs(counted, plan)
    both = await costs([*counted, row(3, counted=2), row(4, counted=0)], plan)
    assert (both.tokens, both.steps) == (known.tokens, known.steps)
    assert both.tokens > 0


@pytest.mark.parametrize("plan", [WHOLE, SHORTER])
async def test_without_a_counted_row_costs_are_unknown_and_accuracy_is_not(plan: Plan) -> None:
    found = await costs([row(0, counted=0), row(1, counted=3)], plan)
    assert math.isnan(found.tokens)
    assert math.isnan(found.steps)
    assert 0 <= found.accuracy <= 1


@pytest.mark.parametrize("cost", ["tokens", "steps"])
@pytest.mark.parametrize("value", [math.nan, 0.0])
def test_a_share_of_nothing_is_refused(cost: str, value: float) -> None:
    whole = Outcome(WHOLE, 0.5, 0.4, 0.6, value, value, 4.0)
    with pytest.raises(ConfigError, match=f"no share of {cost} can be kept"):
        recommended([whole], whole, CostLimit.parse(f"{cost}=0.5"))
