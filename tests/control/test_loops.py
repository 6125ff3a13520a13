"""Loops: which running candidates are checked, when, and which are stopped."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from bestofn.control.loops import Loops
from bestofn.control.policy import Policy
from bestofn.control.replace import ReplaceRejected
from bestofn.core.controller import WAIT, Chain, Decision, Progress, Running
from bestofn.core.errors import ConfigError
from bestofn.core.types import Candidate, Rejection
from tests.support.progress import CERTAIN, UNSURE, progress, record, stopped
from tests.support.scripts import pipeline_of

LOOPS = Rejection("repetition", "exact_loop", "it loops")
SEEN = Candidate(0, {"role": "assistant", "content": "x"}, None, 1)


def running(*each: Running, **fields: Any) -> Progress:
    """Progress in which these run."""
    return dataclasses.replace(
        progress(**fields), running={candidate.index: candidate for candidate in each}
    )


def at(index: int, tokens: int, **fields: Any) -> Running:
    """A running candidate with a snapshot of so many tokens."""
    return Running(index, SEEN, tokens, **fields)


def test_a_snapshot_is_checked_from_the_first_tokens_on_and_again_when_it_has_grown() -> None:
    rule = Loops(first=16, growth=1.5)
    assert rule.decide(running(Running(0))) is WAIT
    assert rule.decide(running(at(0, 15))) is WAIT
    assert rule.decide(running(at(0, 16))) == Decision(check=frozenset({0}))
    assert rule.decide(running(at(0, 59, checked_at=40))) is WAIT
    assert rule.decide(running(at(0, 60, checked_at=40))) == Decision(check=frozenset({0}))


def test_what_is_checked_in_all_is_linear_in_the_length() -> None:
    rule, checked, read = Loops(), 0, 0
    for tokens in range(10_000):
        if rule.decide(running(at(0, tokens, checked_at=checked))).check:
            checked, read = tokens, read + tokens
    assert read < 10_000 / (1 - 1 / rule.growth)


def test_one_that_is_certain_to_be_rejected_is_stopped_and_the_others_run_on() -> None:
    said = Loops().decide(running(at(0, 40, rejection=LOOPS, checked_at=40), at(1, 8)))
    assert said == Decision(abort={0: "loops"})


def test_one_that_is_being_stopped_is_not_stopped_again_and_not_counted() -> None:
    stopping = at(0, 40, rejection=LOOPS, checked_at=40, aborted_by="loops")
    assert Loops().decide(running(stopping, at(1, 8))) is WAIT
    last = at(1, 40, rejection=LOOPS, checked_at=40)
    assert not Loops().decide(running(stopping, last)).abort


def test_where_all_loop_the_first_runs_on_to_be_what_is_fallen_back_on() -> None:
    both = [at(i, 40, rejection=LOOPS, checked_at=40) for i in range(2)]
    assert Loops().decide(running(*both)).abort == {1: "loops"}
    done = running(*both, finished=[record(2, rejections=CERTAIN)])
    assert set(Loops().decide(done).abort) == {0, 1}
    useless = running(*both, finished=[stopped(2, "loops")])
    assert Loops().decide(useless).abort == {1: "loops"}


def test_one_that_was_stopped_for_its_loop_is_replaced_and_one_stopped_otherwise_is_not() -> None:
    looped = dataclasses.replace(stopped(0, "loops"), rejections=(LOOPS,))
    others = [record(1), record(2)]
    rule = ReplaceRejected()
    assert rule.decide(progress([looped, *others], [3])) == Decision(start=1)
    assert rule.decide(progress([stopped(0, "accepted"), *others], [3])) is WAIT
    unsure = dataclasses.replace(stopped(0, "accepted"), rejections=UNSURE)
    assert rule.decide(progress([unsure, *others], [3])) is WAIT


def test_a_pipeline_asks_for_snapshots_only_where_a_rule_reads_them() -> None:
    plain, _, _ = pipeline_of(["good"])
    assert plain.snapshot_tokens is None
    assert plain.as_sampled(running().request).snapshot_tokens is None
    reading, _, _ = pipeline_of(["good"], policy=Policy(mid_decode=Loops(first=24)))
    assert reading.snapshot_tokens == 24
    assert reading.as_sampled(running().request).snapshot_tokens == 24
    chain = Chain((Loops(first=24), Loops(first=20)))
    several, _, _ = pipeline_of(["good"], policy=Policy(mid_decode=chain))
    assert several.snapshot_tokens == 20


@pytest.mark.parametrize(
    ("options", "said"), [({"first": 0}, "first is 0"), ({"growth": 1.0}, "growth is 1.0")]
)
def test_an_option_out_of_its_range_is_refused(options: Any, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        Loops(**options)
