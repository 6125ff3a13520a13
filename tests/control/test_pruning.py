"""Prune: which snapshots are scored, when, and which candidates are stopped."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import pytest

from bestofn.control.pruning import Prune
from bestofn.core.controller import WAIT, Decision, Progress, Running
from bestofn.core.errors import ConfigError
from bestofn.core.ranking import ScoredCandidate
from bestofn.core.types import Candidate, Request
from tests.support.progress import CERTAIN, progress, record

SEEN = Candidate(0, {"role": "assistant", "content": "x"}, None, 1)
RULE = Prune(0.5, first=10, protect=2)


def of_eight(
    each: Sequence[Running], finished: Sequence[ScoredCandidate] = (), **fields: Any
) -> Progress:
    """Progress of a request for eight candidates."""
    request = Request.from_prompt("x", best_of=8)
    made = progress(finished, request=request, **fields)
    return dataclasses.replace(made, running={one.index: one for one in each})


def scored(*rewards: float | None, at: int = 10) -> list[Running]:
    """Running candidates whose snapshots of so many tokens have these rewards."""
    return [Running(i, SEEN, at, reward, at) for i, reward in enumerate(rewards)]


def test_all_that_pass_a_checkpoint_are_scored_once_the_reward_model_is_free() -> None:
    tokens = (9, 10, 19, 21)
    running = [Running(i, SEEN, count) for i, count in enumerate(tokens)]
    assert RULE.decide(of_eight(running)) == Decision(score=frozenset({1, 2, 3}))
    assert RULE.decide(of_eight(running, scoring=True)) is WAIT


@pytest.mark.parametrize(("tokens", "due"), [(19, False), (20, True), (39, True)])
def test_each_checkpoint_is_at_twice_the_tokens_of_the_one_before(tokens: int, due: bool) -> None:
    said = RULE.decide(of_eight([Running(0, SEEN, tokens, 0.5, 12)]))
    assert bool(said.score) is due


def test_the_lower_half_is_stopped_and_ties_go_to_the_lower_index() -> None:
    said = RULE.decide(of_eight(scored(8, 1, 7, 2, 6, 2, 5, 2)))
    assert said == Decision(abort={1: "prune", 7: "prune", 5: "prune", 3: "prune"})
    tied = RULE.decide(of_eight(scored(3, 3, 3, 3, 3, 3, 3, 3)))
    assert set(tied.abort) == {4, 5, 6, 7}


def test_what_is_left_shrinks_with_each_checkpoint_down_to_the_protected() -> None:
    left = scored(8, 7, 6, 5, at=20)
    assert RULE.decide(of_eight(left)).abort == {3: "prune", 2: "prune"}
    assert RULE.decide(of_eight(scored(8, 7, at=40))) is WAIT
    assert Prune(0.5, first=10, protect=3).decide(of_eight(left)).abort == {3: "prune"}


def test_nothing_is_stopped_twice_at_one_checkpoint() -> None:
    assert RULE.decide(of_eight(scored(8, 7, 6, 5))) is WAIT
    going = [each._replace(aborted_by="prune") for each in scored(1, 2, 3, 4)]
    later = [each._replace(index=each.index + 4) for each in scored(8, 7, 6, 5)]
    assert RULE.decide(of_eight([*going, *later])) is WAIT


def test_the_accepted_count_among_those_that_are_left_and_the_rejected_do_not() -> None:
    running = [each._replace(index=each.index + 3) for each in scored(8, 1, 7)]
    accepted = [record(i, 0.0) for i in range(2)]
    assert RULE.decide(of_eight(running, accepted)).abort == {4: "prune"}
    rejected = [record(i, rejections=CERTAIN) for i in range(2)]
    assert RULE.decide(of_eight(running, rejected)) is WAIT


def test_one_that_has_not_come_so_far_is_waited_for() -> None:
    running = [*scored(8, 1, 7, 2, 6, 3), Running(6, SEEN, 4), Running(7)]
    assert RULE.decide(of_eight(running)) is WAIT


def test_a_snapshot_without_a_reward_is_no_reason_to_stop_a_candidate() -> None:
    said = RULE.decide(of_eight(scored(8, None, 7, None, 6, None, 5, None)))
    assert set(said.abort) == {0, 2, 4, 6}
    assert RULE.decide(of_eight(scored(*[None] * 8))) is WAIT


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"keep": 0.0}, "keep is 0.0"),
        ({"keep": 1.0}, "keep is 1.0"),
        ({"keep": 0.5, "first": 0}, "first is 0"),
        ({"keep": 0.5, "protect": 0}, "protect is 0"),
    ],
)
def test_an_option_out_of_its_range_is_refused(options: Any, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        Prune(**options)
