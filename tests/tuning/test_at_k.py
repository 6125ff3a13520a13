"""pass@k, maj@k, rm@k against all subsets, and what they hint at."""

from __future__ import annotations

import dataclasses
import itertools
import random
import statistics
from collections.abc import Sequence

import pytest

from bestofn.core.types import Request
from bestofn.settings.sections import AnswerKeySettings
from bestofn.tuning.at_k import at_k, maj_at, pass_at, rm_at, sizes_up_to
from bestofn.tuning.compare import interval, share_interval
from bestofn.tuning.grading import By, Graded
from bestofn.tuning.hints import fall, length_bias
from bestofn.tuning.recorded import RecordedRow
from tests.support.progress import CERTAIN, UNSURE, record

RIGHT = [True, False, False, True, False, True]
VERDICTS = dict(enumerate(RIGHT))


def row(number: int, rewards: Sequence[float | None], tokens: Sequence[int] = ()) -> RecordedRow:
    held = [
        record(i, reward, tokens=tokens[i] if tokens else 10) for i, reward in enumerate(rewards)
    ]
    request = Request.from_prompt("x", best_of=len(rewards), id=str(number))
    return RecordedRow(request, tuple(held))


def graded(rows: Sequence[RecordedRow], right: Sequence[Sequence[bool]], by: By) -> Graded:
    return Graded(by, rows, [dict(enumerate(each)) for each in right])


@pytest.mark.parametrize("k", range(1, 7))
def test_pass_at_k_is_the_share_of_subsets_with_a_right_one(k: int) -> None:
    subsets = [any(each) for each in itertools.combinations(RIGHT, k)]
    assert pass_at(RIGHT, k) == pytest.approx(statistics.fmean(subsets))


@pytest.mark.parametrize("k", range(1, 7))
def test_rm_at_k_is_the_share_of_subsets_whose_best_is_right(k: int) -> None:
    rewards = [0.5, 2.0, 2.0, 2.0, 1.0, -1.0]  # three share the first place, one of them right
    shares = []
    for subset in itertools.combinations(range(6), k):
        best = max(rewards[i] for i in subset)
        shares.append(statistics.fmean(RIGHT[i] for i in subset if rewards[i] == best))
    found = rm_at(row(0, rewards).candidates, VERDICTS, k)
    assert found == pytest.approx(statistics.fmean(shares))


def test_rm_at_k_ranks_accepted_before_suspected_and_never_what_was_rejected() -> None:
    held = (
        record(0, 9.0, rejections=CERTAIN),
        record(1, 5.0, rejections=UNSURE),
        record(2, -1.0),
    )
    assert rm_at(held, {0: True, 1: False, 2: True}, 3) == 1.0
    assert rm_at(held, {0: True, 1: True, 2: False}, 3) == 0.0
    assert rm_at(held, {0: True, 1: True, 2: False}, 1) == pytest.approx(1 / 3)
    assert rm_at((record(0, None), record(1, None)), {0: True, 1: True}, 1) == 0.0


@pytest.mark.parametrize(("k", "tolerance"), [(1, 0.2), (3, 0.2), (6, 1e-9)])
def test_maj_at_k_is_the_majority_of_subsets_and_ties_share(k: int, tolerance: float) -> None:
    keys = {0: "a", 1: "b", 2: "b", 3: "a", 4: "c", 5: "a"}
    shares = []
    for subset in itertools.combinations(range(6), k):
        votes = [keys[i] for i in subset]
        most = max(map(votes.count, votes))
        winners = {key for key in votes if votes.count(key) == most}
        shares.append(statistics.fmean(key == "a" for key in winners))
    found = maj_at(row(0, [None] * 6), VERDICTS, keys, k)
    assert found == pytest.approx(statistics.fmean(shares), abs=tolerance)


def test_without_rewards_or_keys_there_is_no_rm_and_no_maj() -> None:
    rows = [row(i, [None, None]) for i in range(3)]
    (found,) = at_k(
        graded(rows, [[True, False]] * 3, "check"), [2], AnswerKeySettings(name="number")
    )
    assert (found.majority, found.reward) == (None, None)
    assert found.any_right is not None
    assert found.any_right.value == 1.0


def ranked(rows: int, *, turned: bool) -> Graded:
    """Rows of eight in which a middling reward is right most; the highest never, if `turned`."""
    drawn = random.Random(0)
    made, right = [], []
    for number in range(rows):
        rewards = [drawn.random() for _ in range(8)]
        order = sorted(rewards)
        made.append(row(number, rewards, [round(100 * r) for r in rewards]))
        right.append([r < order[6] if turned else r > order[3] for r in rewards])
    return graded(made, right, "check")


def test_over_optimisation_is_told_where_rm_at_k_falls_and_only_there() -> None:
    falls = fall(ranked(40, turned=True), [1, 2, 4, 8])
    assert falls is not None
    assert (falls.best, falls.most, falls.is_certain) == (1, 8, True)
    assert falls.lost == pytest.approx(0.75)
    assert "over-optimised" in str(falls)
    rises = fall(ranked(40, turned=False), [1, 2, 4, 8])
    assert rises is not None
    assert (rises.best, rises.is_certain) == (8, False)
    assert "no sign" in str(rises)


@pytest.mark.parametrize("rows", [1, 2, 29])
def test_of_a_few_rows_no_verdict_is_given(rows: int) -> None:
    falls = fall(ranked(rows, turned=True), [1, 2, 4, 8])
    assert falls is not None
    assert not falls.is_certain
    assert f"of {rows} rows, too few to tell" in str(falls)


def test_what_chance_makes_the_best_k_of_these_rows_is_no_fall() -> None:
    """Rewards that say nothing: of many sizes one is highest by chance."""
    drawn = random.Random(3)
    told = 0
    for _ in range(40):
        made = [row(at, [drawn.random() for _ in range(8)]) for at in range(40)]
        right = [[drawn.random() < 0.5 for _ in range(8)] for _ in made]
        falls = fall(graded(made, right, "check"), list(range(1, 9)))
        told += falls is not None and falls.is_certain
    assert told <= 3, "of 40 at most as many as 2.5 % and chance say"


def test_the_interval_of_rows_that_are_all_right_has_a_width() -> None:
    assert share_interval([1.0] * 20) == pytest.approx((0.839, 1.0), abs=0.001)  # Wilson's
    assert share_interval([0.0]) == pytest.approx((0.0, 0.793), abs=0.001)
    assert share_interval([0.0, 1.0] * 20) == interval([0.0, 1.0] * 20)
    low, high = interval([0.0, 1.0] * 20)
    assert 0.3 < low < 0.5 < high < 0.7


def test_agreement_with_a_choice_by_rewards_says_nothing_of_over_optimisation() -> None:
    by_agreement = dataclasses.replace(ranked(4, turned=True), by="agreement")
    assert fall(by_agreement, [1, 8]) is None


def test_length_that_is_rewarded_and_not_right_is_told() -> None:
    found = length_bias(ranked(40, turned=True))
    assert found is not None
    assert found.reward is not None
    assert found.right is not None
    assert found.reward.value == pytest.approx(1.0, abs=0.01)
    assert found.right.value < 0
    assert "for its own sake" in str(found)
    assert length_bias(graded([row(0, [None, None])], [[True, False]], "check")) is None


def test_sizes_double_up_to_the_largest() -> None:
    assert sizes_up_to(12) == [1, 2, 4, 8, 12]
    assert sizes_up_to(8) == [1, 2, 4, 8]
