"""Tests the pattern filter."""

from __future__ import annotations

from typing import Any

import pytest

from bestofn.core.errors import ConfigError
from bestofn.filters.pattern import PatternFilter
from tests.support.filter_checking import rejection


def test_every_required_pattern_has_to_be_found() -> None:
    judge = PatternFilter(must_match=[r"\d", r"\\boxed\{.+\}"])
    assert rejection(judge, r"It is \boxed{42}") is None
    found = rejection(judge, "It is 42")
    assert found is not None
    assert (found.filter, found.reason) == ("pattern", "pattern_missing")
    assert found.detail == r"nothing in it matches /\\boxed\{.+\}/"


def test_a_forbidden_pattern_is_named_with_its_place() -> None:
    found = rejection(PatternFilter(must_not_match="language model"), "As a language model, I")
    assert found is not None
    assert found.reason == "pattern_forbidden"
    assert found.detail == "/language model/ matches at character 5"


def test_required_patterns_come_before_forbidden_ones() -> None:
    found = rejection(PatternFilter(must_match="x", must_not_match="a"), "abc")
    assert found is not None
    assert found.reason == "pattern_missing"


def test_case() -> None:
    assert rejection(PatternFilter(must_not_match="SORRY"), "sorry") is None
    assert rejection(PatternFilter(must_not_match="SORRY", ignore_case=True), "sorry") is not None


def test_pure_tool_calls_are_not_judged() -> None:
    judge = PatternFilter(must_match="x")
    assert rejection(judge, None, "tool_calls", tool_calls=[{"id": "1"}]) is None


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, "give must_match or must_not_match"),
        ({"must_match": "("}, r"'\(' is no regular expression"),
        ({"must_not_match": ["a", "["]}, r"'\[' is no regular expression"),
        ({"must_match": [3]}, "3 is no regular expression"),
    ],
)
def test_wrong_patterns_are_config_errors(options: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        PatternFilter(**options)
