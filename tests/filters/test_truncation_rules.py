"""Tests the table of the truncation filter's rules: each takes and leaves what it says."""

from __future__ import annotations

import dataclasses

import pytest

from bestofn.core.errors import ConfigError
from bestofn.core.types import Candidate, Request
from bestofn.filters.truncation.filter import TruncationFilter
from bestofn.filters.truncation.rules import NAMES, RULES, Rule
from tests.support.filter_checking import candidate, rejection

JSON = Request.from_prompt("x", options={"response_format": {"type": "json_object"}})
TEXT = Request.from_prompt("x")


def request_of(rule: Rule) -> Request:
    """A request that the rule applies to."""
    return JSON if rule.applies == ("json",) else TEXT


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_each_rule_takes_its_text_and_leaves_the_other(rule: Rule) -> None:
    judge, request = TruncationFilter(), request_of(rule)
    found = judge.find(request, candidate(rule.takes))
    assert found is not None
    assert found[0].name == rule.name
    assert found[1]
    assert judge.find(request, candidate(rule.leaves)) is None


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_each_rule_can_be_switched_off(rule: Rule) -> None:
    found = TruncationFilter(without=rule.name).find(request_of(rule), candidate(rule.takes))
    assert found is None or found[0].name != rule.name


def test_names_are_unique_and_an_unknown_one_is_a_config_error() -> None:
    assert len(NAMES) == len(RULES)
    with pytest.raises(ConfigError, match="no rule is called nothing; there are invalid_json"):
        TruncationFilter(without=["open_end", "nothing"])


def test_a_rule_is_certain_where_98_of_100_were_read_as_cut() -> None:
    for rule in RULES:
        if rule.certain and rule.precision is not None:
            taken, cut = rule.precision
            assert cut >= 0.98 * taken, rule.name


def _vouched(of: Candidate) -> Candidate:
    return dataclasses.replace(of, vouched=True)


def test_where_the_engine_vouches_for_the_end_only_strong_signs_are_certain() -> None:
    for rule in RULES:
        found = TruncationFilter().check(request_of(rule), _vouched(candidate(rule.takes)))
        assert found is not None
        assert found.certain == (rule.certain and rule.strong)


def test_a_heuristic_about_the_end_is_a_suspicion_and_an_open_fence_is_certain() -> None:
    suspected = rejection(TruncationFilter(), "It is fast. It is small. It also never")
    certain = rejection(TruncationFilter(), "Here it is:\n\n```python\ndef f(x):\n    return x")
    assert suspected is not None
    assert certain is not None
    assert (suspected.certain, certain.certain) == (False, True)
