"""The argmax selector: order, ties, tolerance."""

from __future__ import annotations

import itertools

import pytest

from bestofn.core.errors import ConfigError
from bestofn.core.no_winner import RewardError
from bestofn.core.ranking import ScoredCandidate
from bestofn.core.types import Candidate, Request
from bestofn.selection.argmax import ArgmaxSelector

REQUEST = Request.from_prompt("x")


def _scored(index: int, reward: float | None, tokens: int | None = 5) -> ScoredCandidate:
    message = {"role": "assistant", "content": str(index)}
    return ScoredCandidate(Candidate(index, message, "stop", tokens), reward=reward)


async def _order(selector: ArgmaxSelector, *scored: ScoredCandidate) -> list[int]:
    orders = {
        (await selector.select(REQUEST, permuted)).order
        for permuted in itertools.permutations(scored)
    }
    assert len(orders) == 1, "the order depends on the order of arrival"
    return list(orders.pop())


async def test_highest_reward_first() -> None:
    assert await _order(ArgmaxSelector(), _scored(0, -1.0), _scored(1, 2.5), _scored(2, 0.0)) == [
        1,
        2,
        0,
    ]


async def test_ties_go_to_fewer_tokens_then_lower_index_and_unknown_counts_last() -> None:
    tied = (_scored(0, 1.0, None), _scored(1, 1.0, 9), _scored(2, 1.0, 4), _scored(3, 1.0, 4))
    assert await _order(ArgmaxSelector(), *tied) == [2, 3, 1, 0]


async def test_tolerance_groups_from_the_best_down() -> None:
    scored = (_scored(0, 1.00, 9), _scored(1, 0.96, 1), _scored(2, 0.93, 1))
    assert await _order(ArgmaxSelector(), *scored) == [0, 1, 2]
    # 0.93 is within 0.05 of 0.96, but not of 1.00, the best of the group.
    assert await _order(ArgmaxSelector(tolerance=0.05), *scored) == [1, 0, 2]


@pytest.mark.parametrize("tolerance", [-0.1, float("nan"), float("inf")])
def test_a_tolerance_that_is_none_is_refused(tolerance: float) -> None:
    with pytest.raises(ConfigError, match=f"argmax: tolerance is {tolerance}; it must be a finite"):
        ArgmaxSelector(tolerance=tolerance)


async def test_a_candidate_without_a_reward_is_not_ordered() -> None:
    with pytest.raises(RewardError, match="candidate 3 has no reward"):
        await ArgmaxSelector().select(REQUEST, [_scored(3, None)])
