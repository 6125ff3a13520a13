"""Each controller by itself: what it decides at which progress."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bestofn.control.deadline import Deadline
from bestofn.control.enough import Enough
from bestofn.control.fixed import Fixed
from bestofn.control.plateau import Plateau
from bestofn.control.policy import Policy
from bestofn.control.replace import ReplaceRejected
from bestofn.control.resample import Resample
from bestofn.control.waves import Waves
from bestofn.core.controller import WAIT, Budget, Chain, Controller, Decision, Progress, Round
from bestofn.core.errors import ConfigError
from bestofn.core.types import Failure, Request
from tests.support.progress import CERTAIN, FAULT, UNSURE, progress, record, stopped

COLD = Request.from_prompt("x", best_of=4, temperature=0)
NOTE = "temperature 0 makes all candidates equal: sampled 1 instead of 4"
REJECTED = [record(i, rejections=CERTAIN) for i in range(4)]


def test_fixed_starts_all_at_once_and_then_nothing() -> None:
    assert Fixed().decide(progress()) == Decision(start=4)
    assert Fixed().decide(progress(running=range(4))) is WAIT
    assert Fixed().decide(progress(REJECTED)) is WAIT


def test_fixed_starts_what_is_missing_beside_an_earlier_ranking() -> None:
    assert Fixed().decide(progress([record(0), record(1)])) == Decision(start=2)


def test_fixed_starts_one_at_temperature_zero_and_says_so() -> None:
    assert Fixed().decide(progress(request=COLD)) == Decision(start=1, notes=(NOTE,))
    assert Fixed().decide(progress([record(0)], request=COLD)) is WAIT


def test_waves_start_the_next_when_all_before_were_judged() -> None:
    waves = Waves(3)
    assert waves.decide(progress()) == Decision(start=3)
    assert waves.decide(progress([record(0), record(1)], [2])) is WAIT
    assert waves.decide(progress([record(i) for i in range(3)], scoring=True)) is WAIT
    assert waves.decide(progress([record(i) for i in range(3)])) == Decision(start=1)
    assert waves.decide(progress([record(i) for i in range(4)])) is WAIT
    assert waves.decide(progress(request=COLD)) == Decision(start=1, notes=(NOTE,))


@pytest.mark.parametrize("make", [lambda: Waves(0), lambda: Enough(1.0, count=0)])
def test_a_count_below_one_is_refused(make: Any) -> None:
    with pytest.raises(ConfigError, match="must be at least 1"):
        make()


def test_replace_starts_one_for_each_that_was_rejected() -> None:
    replace = ReplaceRejected()
    assert replace.decide(progress(REJECTED[:1], [1, 2, 3])) == Decision(start=1)
    assert replace.decide(progress(REJECTED[:2], [2, 3, 4])) == Decision(start=1)
    assert replace.decide(progress(REJECTED[:1], [1, 2, 3, 4])) is WAIT
    assert replace.decide(progress(running=[0])) is WAIT, "the first ones are another's to start"


@pytest.mark.parametrize(
    "lost",
    [
        record(0, rejections=UNSURE),
        record(0, failure=FAULT),
        stopped(0, "enough"),
        record(0, 1.0),
    ],
)
def test_replace_leaves_the_suspected_the_failed_and_the_stopped(lost: Any) -> None:
    assert ReplaceRejected().decide(progress([lost], [1, 2, 3])) is WAIT


def test_replace_ends_with_the_budget_and_with_its_own_limit() -> None:
    assert ReplaceRejected().decide(progress(REJECTED, spent=1.0)) is WAIT
    assert ReplaceRejected(most=1).decide(progress(REJECTED)) == Decision(start=1)
    assert ReplaceRejected().decide(progress(REJECTED)) == Decision(start=4)
    assert ReplaceRejected().decide(progress(REJECTED[:1], request=COLD)) is WAIT


def test_resample_starts_another_round_where_all_were_rejected() -> None:
    assert Resample(2).decide(progress(REJECTED)) == Decision(start=4, round=Round(first=4))


@pytest.mark.parametrize(
    ("finished", "fields"),
    [
        (REJECTED, {"rounds": 2}),
        (REJECTED, {"request": COLD}),
        (REJECTED, {"scoring": True}),
        (REJECTED[:3], {"running": [3]}),
        (REJECTED[:3], {}),
        ([*REJECTED[:3], record(3)], {}),
        ([*REJECTED[:3], record(3, rejections=UNSURE)], {}),
        ([*REJECTED[:3], record(3, failure=Failure("reward_error", "it broke"))], {}),
        ([record(i, failure=FAULT) for i in range(4)], {}),
    ],
)
def test_resample_does_not_start_another(finished: Any, fields: Any) -> None:
    assert Resample(2).decide(progress(finished, **fields)) is WAIT


@pytest.mark.parametrize("limit", [{"max_tokens": 40}, {"max_seconds": 0.1}])
def test_resample_ends_with_its_limits(limit: Any) -> None:
    assert Resample(9, **limit).decide(progress(REJECTED)) is WAIT
    more: dict[str, Any] = dict.fromkeys(limit, 41)
    assert Resample(9, **more).decide(progress(REJECTED)).start == 4


def test_resample_says_that_its_limit_of_tokens_does_not_see_what_nobody_counted() -> None:
    last = record(3, rejections=CERTAIN)
    uncounted = replace(last.candidate, completion_tokens=None, group_tokens=None)
    some = [*REJECTED[:3], replace(last, candidate=uncounted)]
    (note,) = Resample(9, max_tokens=41).decide(progress(some)).notes
    assert note.startswith("max_resample_tokens: ")
    assert Resample(9).decide(progress(some)).notes == (), "there is no limit to be missed"
    assert Resample(9, max_tokens=41).decide(progress(REJECTED)).notes == ()


def test_enough_stops_at_the_threshold_of_accepted_candidates() -> None:
    enough = Enough(2.0)
    assert enough.decide(progress([record(0, 1.9)], [1, 2, 3])) is WAIT
    assert enough.decide(progress([record(0, 2.0)], [1, 2, 3])) == Decision(stop="enough")
    assert enough.decide(progress([record(0, 9.0, rejections=CERTAIN)], [1])) is WAIT
    assert enough.decide(progress([record(0, 9.0, rejections=UNSURE)], [1])) is WAIT


def test_enough_counts_as_many_as_it_is_told() -> None:
    twice = Enough(2.0, count=2)
    assert twice.decide(progress([record(0, 3.0)], [1])) is WAIT
    assert twice.decide(progress([record(0, 3.0), record(1, 3.0)], [2])).stop == "enough"


def test_enough_has_nothing_to_stop_once_all_were_sampled() -> None:
    assert Enough(2.0).decide(progress([record(i, 3.0) for i in range(4)])) is WAIT


def test_the_deadline_asks_to_be_woken_then_aborts_then_gives_up_scores() -> None:
    deadline = Deadline(1.0)
    assert deadline.decide(progress(running=[0, 1])) == Decision(wake=1.0)
    late: dict[str, Any] = {"elapsed": 1.0}
    aborted = Decision(abort={1: "deadline"})
    assert deadline.decide(progress([record(0)], [1], scoring=True, **late)) == aborted
    assert deadline.decide(progress([record(0)], scoring=True, **late)) is WAIT, "the first score"
    both = [record(0, 1.0), record(1)]
    assert deadline.decide(progress(both, scoring=True, **late)) == Decision(stop="deadline")
    cut = [record(0, 1.0), stopped(1, "deadline")]
    assert deadline.decide(progress(cut, **late)) == Decision(stop="deadline")


def test_a_deadline_after_all_was_done_changes_nothing() -> None:
    assert Deadline(1.0).decide(progress([record(0, 1.0)], elapsed=2.0)) is WAIT


def test_a_policy_starts_nothing_past_its_deadline() -> None:
    policy = Policy(deadline_seconds=1.0, sampling=Waves(2))
    assert policy.decide(progress(elapsed=0.5)).start == 2
    assert policy.decide(progress(REJECTED[:2], elapsed=2.0)) == Decision(stop="deadline")
    assert policy.decide(progress([record(i) for i in range(4)], elapsed=2.0)) is WAIT


class _Says:
    def __init__(self, decision: Decision) -> None:
        self._decision = decision

    def decide(self, progress: Progress) -> Decision:
        return self._decision


def _chain(*decisions: Decision) -> Decision:
    controllers: list[Controller] = [_Says(each) for each in decisions]
    return Chain(tuple(controllers)).decide(progress())


def test_a_chain_adds_starts_unites_aborts_and_scores_and_takes_the_first_stop() -> None:
    one = Decision(2, {0: "slow", 1: "slow"}, frozenset({5}), "first", 3.0, ("a",))
    other = Decision(1, {1: "bad", 2: "bad"}, frozenset({6}), "second", 2.0, ("b",))
    assert _chain(one, WAIT, other) == Decision(
        3, {0: "slow", 1: "slow", 2: "bad"}, frozenset({5, 6}), "first", 2.0, ("a", "b")
    )
    assert _chain(WAIT, one) is one
    assert _chain(WAIT, WAIT) is WAIT


def test_a_chain_reads_what_one_of_its_controllers_reads() -> None:
    plateau = Chain((Fixed(), Plateau(rewards=False)))
    assert plateau.reads_logprobs(scored=False)
    assert Policy(stop=plateau).reads_logprobs(scored=False)
    assert not Chain((Fixed(), Plateau(rewards=True))).reads_logprobs(scored=True)


@pytest.mark.parametrize(
    ("budget", "spent"),
    [
        (Budget(), 0.0),
        (Budget(candidates=8), 0.5),
        (Budget(candidates=8, tokens=100), 0.6),
        (Budget(candidates=8, tokens=100, seconds=2.0), 1.0),
        (Budget(candidates=0), 1.0),
    ],
)
def test_what_is_spent_is_the_share_of_the_nearest_cap(budget: Budget, spent: float) -> None:
    assert budget.spent(candidates=4, tokens=60, elapsed=2.0) == spent


def test_progress_counts_what_was_sampled() -> None:
    seen = progress([record(0, 1.0), record(1, rejections=UNSURE), REJECTED[2]], [3])
    assert [each.index for each in seen.accepted] == [0]
    assert [each.index for each in seen.kept] == [0, 1]
    assert (seen.rewards, seen.tokens, seen.sampled, seen.idle) == ([1.0], 30, 4, False)
