"""Tests the length filter."""

from __future__ import annotations

import dataclasses

import pytest

from bestofn.core.errors import ConfigError
from bestofn.filters.length import LengthFilter
from tests.support.filter_checking import REQUEST, candidate, rejection


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ab", "too_short"),
        ("abc", None),
        ("  abc  ", None),
        ("abcde", None),
        ("abcdef", "too_long"),
    ],
)
def test_characters_of_the_stripped_text_and_inclusive_bounds(
    text: str, expected: str | None
) -> None:
    found = rejection(LengthFilter(min_characters=3, max_characters=5), text)
    assert (found.reason if found else None) == expected


def test_detail_names_count_and_bound() -> None:
    found = rejection(LengthFilter(max_characters=5), "abcdefg")
    assert found is not None
    assert (found.filter, found.detail) == ("length", "7 characters, more than 5")


@pytest.mark.parametrize(
    ("tokens", "expected"),
    [(None, None), (4, "too_short"), (5, None), (9, None), (10, "too_long")],
)
def test_tokens_are_the_engines_count(tokens: int | None, expected: str | None) -> None:
    judged = dataclasses.replace(candidate("some text"), completion_tokens=tokens)
    found = LengthFilter(min_tokens=5, max_tokens=9).check(REQUEST, judged)
    assert (found.reason if found else None) == expected


def test_pure_tool_calls_are_not_judged() -> None:
    call = [{"id": "1"}]
    assert rejection(LengthFilter(min_characters=3), None, "tool_calls", tool_calls=call) is None
    assert rejection(LengthFilter(min_characters=3), "a", "tool_calls", tool_calls=call) is not None


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, "no bound is given"),
        ({"min_tokens": -1}, "a bound is negative"),
        ({"min_characters": 5, "max_characters": 4}, "min_characters is 5, above max_characters"),
        ({"min_tokens": 5, "max_tokens": 4}, "min_tokens is 5, above max_tokens"),
    ],
)
def test_wrong_bounds_are_config_errors(options: dict[str, int], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        LengthFilter(**options)
