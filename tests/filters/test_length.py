"""Tests the length filter."""

from __future__ import annotations

import dataclasses
import logging
from typing import Any

import pytest

from bestofn.core.best_of_n import best_of_n
from bestofn.core.errors import ConfigError
from bestofn.core.types import Request
from bestofn.filters.length import LengthFilter
from bestofn.generators.replay import ReplayGenerator
from tests.support.filter_checking import REQUEST, candidate, rejection
from tests.support.scripts import pipeline_of


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


@pytest.mark.parametrize(
    ("bounds", "named"),
    [
        ({"min_tokens": 5}, "min_tokens judged nothing"),
        ({"max_tokens": 9}, "max_tokens judged nothing"),
        ({"min_tokens": 1, "max_tokens": 9, "min_characters": 1}, "min_tokens and max_tokens"),
    ],
)
async def test_a_bound_in_tokens_that_nobody_counted_is_told_once(
    bounds: dict[str, int], named: str, caplog: pytest.LogCaptureFixture
) -> None:
    ranking = await _ranked([None, 7, None], bounds, caplog)
    (note,) = ranking.notes
    assert named in note
    assert all(each.accepted for each in ranking.candidates), "unknown is not zero"
    again = await _ranked([None], bounds, caplog)
    assert again.notes == (note,)
    assert [each.message for each in caplog.records].count(note) <= 1, "the log has it once"


@pytest.mark.parametrize(
    ("tokens", "bounds"),
    [([5, 9], {"min_tokens": 5, "max_tokens": 9}), ([None], {"max_characters": 90})],
)
async def test_what_was_judged_is_not_told(
    tokens: list[int | None], bounds: dict[str, int], caplog: pytest.LogCaptureFixture
) -> None:
    assert (await _ranked(tokens, bounds, caplog)).notes == ()


async def _ranked(
    tokens: list[int | None], bounds: dict[str, int], caplog: pytest.LogCaptureFixture
) -> Any:
    given = [
        dataclasses.replace(candidate("some text"), index=at, completion_tokens=count)
        for at, count in enumerate(tokens)
    ]
    pipeline, _, _ = pipeline_of(["unused"], {"some text": 1.0}, filters=[LengthFilter(**bounds)])
    replayed = dataclasses.replace(pipeline, generator=ReplayGenerator(tuple(given)))
    with caplog.at_level(logging.WARNING):
        return await best_of_n(Request.from_prompt("x", best_of=len(given)), replayed)
