"""Tests that the truncation filter tells cut answers from complete ones."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bestofn.core.types import Request
from bestofn.filters.truncation.filter import TruncationFilter
from tests.support.filter_checking import candidate, reason, rejection

FILTER = TruncationFilter()
JSON_OBJECT = Request.from_prompt("x", options={"response_format": {"type": "json_object"}})


@pytest.mark.parametrize(
    ("finish_reason", "expected", "words"),
    [
        ("length", "length", "reached the limit on its tokens"),
        ("abort", "aborted", "stopped from outside"),
        ("repetition", "loop_stopped", "in a loop"),
        ("content_filter", "content_filter", "content filter cut it"),
    ],
)
def test_finish_reason_says_it_outright(finish_reason: str, expected: str, words: str) -> None:
    found = rejection(FILTER, "This is a complete sentence.", finish_reason)
    assert found is not None
    assert (found.filter, found.reason) == ("truncation", expected)
    assert words in found.detail


def test_finish_reason_counts_for_empty_text_and_tool_calls_too() -> None:
    assert reason(FILTER, "", "length") == "length"
    cut = candidate(None, "length", tool_calls=[{"id": "1"}])
    assert (FILTER.check(Request.from_prompt("x"), cut) or cut).reason == "length"  # type: ignore[union-attr]


@pytest.mark.parametrize("finish_reason", [None, "error"])
def test_text_of_what_never_ended_is_not_judged(finish_reason: str | None) -> None:
    assert reason(FILTER, "The three main causes are, first, the", finish_reason) is None


@pytest.mark.parametrize("finish_reason", ["something new", "unknown"])
def test_an_end_that_nobody_vouches_for_is_judged_by_its_structure(finish_reason: str) -> None:
    assert reason(FILTER, "The three main causes are, first, the", finish_reason) == "open_end"
    assert reason(FILTER, "It is a sentence.", finish_reason) is None


def test_sentence_ends_can_be_switched_off() -> None:
    judge = TruncationFilter(sentence_end=False)
    assert reason(judge, "It is fast. It is small. It never") is None
    assert reason(judge, "It is fast. It is small. It has (") == "unclosed_bracket"


def test_structure_can_be_switched_off() -> None:
    judge = TruncationFilter(structure=False)
    assert reason(judge, "and then the") is None
    assert reason(judge, "and then the", "length") == "length"


@pytest.mark.parametrize("kind", ["json_object", "json_schema"])
def test_json_that_was_asked_for(kind: str) -> None:
    request = Request.from_prompt("x", options={"response_format": {"type": kind}})
    found = FILTER.check(request, candidate('{"a": [1, 2'))
    assert found is not None
    assert found.reason == "invalid_json"
    assert "does not parse" in found.detail
    assert FILTER.check(request, candidate('{"a": [1, 2]}')) is None
    assert FILTER.check(request, candidate('```json\n{"a": [1, 2]}\n```')) is None
    nested = FILTER.check(request, candidate("[" * 100_000))
    assert nested is not None
    assert nested.reason == "invalid_json"


def test_text_that_was_not_asked_for_as_json_is_judged_as_text() -> None:
    request = Request.from_prompt("x", options={"response_format": {"type": "text"}})
    assert FILTER.check(request, candidate("It is fine.")) is None


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"stop": ["\n\n"]}, None),
        ({"stop": "."}, None),
        ({"stop": ["</s>", "<|im_end|>"]}, "open_end"),
        ({"stop": []}, "open_end"),
        ({"stop": 5}, None),
        ({"structured_outputs": {"choice": ["a"]}}, None),
        ({"temperature_decay": 1}, "open_end"),
    ],
)
def test_ends_that_the_request_imposes_are_not_judged(
    options: dict[str, Any], expected: str | None
) -> None:
    found = FILTER.check(Request.from_prompt("x", options=options), candidate("It is cold and the"))
    assert (found.reason if found else None) == expected


def test_tool_calls_are_not_judged_by_their_text() -> None:
    call = [{"id": "1", "type": "function", "function": {"name": "f", "arguments": "{"}}]
    assert rejection(FILTER, None, "tool_calls", tool_calls=call) is None
    assert rejection(FILTER, "Let me look:", "tool_calls", tool_calls=call) is None
    assert rejection(FILTER, "Let me look:", "stop", function_call=call[0]) is None


@given(st.text(max_size=400))
@settings(max_examples=300, deadline=None)
def test_check_never_raises(text: str) -> None:
    found = rejection(FILTER, text)
    assert found is None or (found.filter == "truncation" and found.detail)
    asked = FILTER.check(JSON_OBJECT, candidate(text))
    assert asked is None or asked.reason == "invalid_json"


@given(st.text(alphabet="ab (）“「`*_#|-.。,、\n\t$[<>\"'\\1:;=", max_size=200))
@settings(max_examples=300, deadline=None)
def test_check_never_raises_on_markup(text: str) -> None:
    found = rejection(FILTER, text)
    assert found is None or found.detail


@given(st.text(alphabet="abc 。，“”（）.,()`\n", max_size=80))
@settings(max_examples=200, deadline=None)
def test_a_full_stop_on_a_line_of_its_own_paragraph_completes_any_prose(text: str) -> None:
    plain = text.replace("`", "")
    assert reason(FILTER, f"{plain}\n\nThis is the last sentence.") is None


LONG = 200_000


@pytest.mark.parametrize(
    "text",
    [
        "a" * LONG,
        "x" + " " * LONG + "y",
        "(" * (LONG // 2) + "]" * (LONG // 2),
        "`" * LONG,
        "\\`" * (LONG // 2),
        "@." * (LONG // 2),
        "x=" * (LONG // 2) + "\ny=",
        "- " * (LONG // 2) + "x",
        "**a" * (LONG // 3),
        "." + " " * LONG + "x",
        "。”" * (LONG // 2) + "x",
        "[1])" * (LONG // 4),
        "1:" * (LONG // 2) + "a",
        "```a\n" * (LONG // 5),
        "ab c\n" * (LONG // 5),
        "x. (" + "[a](b)" * (LONG // 6),
        "-- at the " + "a's " * (LONG // 4) + "b's",
        "the " + "a-" * (LONG // 2) + " that",
        "If " + "a is " * (LONG // 5) + "b",
        "他是" * (LONG // 2) + "的",
    ],
    ids=range(20),
)
def test_long_hostile_text_completes(text: str) -> None:
    """Each of these takes minutes where a pattern is quadratic; the suite's timeout ends it."""
    found = rejection(FILTER, text)
    assert found is None or found.detail
