"""Cleaning: what answers a record holds, and what of it is written where."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from bestofn.builders.pipeline import build_filters
from bestofn.dataset.cleaning.answers import NoAnswerError, read_answers
from bestofn.dataset.cleaning.cleaning import Cleaning
from bestofn.dataset.cleaning.tally import Tally
from bestofn.settings.sections import FilterSpec
from bestofn.settings.settings import Settings

GOOD = "8 - 5 = 3."
LOOP = "We see: " + "the big red fox " * 9
OPEN = "It is cheap and fast and"
ASKED = {"role": "user", "content": "What is 8 - 5?"}


def said(text: str) -> dict[str, Any]:
    """An assistant's message."""
    return {"role": "assistant", "content": text}


def cleaned(
    *records: Any, strict: bool = False, specs: Any = None, columns: Any = None
) -> tuple[list[Any], list[Any], Tally, list[tuple[str, str]]]:
    """(kept, rejected, the tally, what is broken) of these records."""
    kept: list[Mapping[str, Any]] = []
    rejected: list[Mapping[str, Any]] = []
    broken: list[tuple[str, str]] = []
    cleaning = Cleaning(
        build_filters(specs or Settings().filters),
        columns or {},
        kept.append,
        rejected.append,
        lambda source, why: broken.append((source, why)),
        strict,
    )
    tally = Tally()
    rows = [(f"x.jsonl:{number}", record) for number, record in enumerate(records, start=1)]
    asyncio.run(cleaning.run(rows, tally))
    return kept, rejected, tally, broken


@pytest.mark.parametrize(
    "record",
    [
        {"prompt": "x", "response": LOOP},
        {"prompt": "x", "completion": LOOP},
        {"messages": [ASKED, said(LOOP)]},
        {"prompt": [ASKED], "completion": [said(LOOP)]},
        {"messages": [ASKED], "response": {"text": LOOP}},
        {"prompt": "x", "chosen": GOOD, "rejected": LOOP},
        {"chosen": [ASKED, said(LOOP)], "rejected": [ASKED, said(GOOD)]},
        {"response": LOOP},
        {"prompt": "x", "response": "It goes on.", "finish_reason": "length"},
    ],
)
def test_a_record_with_a_bad_answer_is_rejected_whole(record: dict[str, Any]) -> None:
    kept, rejected, tally, broken = cleaned(record)
    assert (kept, broken) == ([], [])
    (written,) = rejected
    why = written.pop("bestofn")
    assert written == record
    reasons = [each["reason"] for answer in why for each in answer["rejections"]]
    assert reasons in (["exact_loop"], ["length"])
    assert tally.answers["rejected"] == 1


def test_of_several_responses_each_goes_where_it_belongs() -> None:
    record = {"prompt": "x", "responses": [GOOD, LOOP, {"text": GOOD}], "more": 1}
    kept, rejected, tally, _ = cleaned(record)
    assert kept == [{"prompt": "x", "responses": [GOOD, {"text": GOOD}], "more": 1}]
    assert [each["responses"] for each in rejected] == [[LOOP]]
    assert rejected[0]["bestofn"][0]["rejections"][0]["reason"] == "exact_loop"
    assert tally.answers == {"accepted": 2, "rejected": 1}


def test_what_is_suspected_is_kept_unless_told_otherwise() -> None:
    record = {"prompt": "x", "response": OPEN}
    assert cleaned(record)[0] == [record]
    kept, rejected, tally, _ = cleaned(record, strict=True)
    assert (kept, len(rejected)) == ([], 1)
    assert tally.answers == {"suspected": 1}


def test_what_is_kept_is_mended_and_what_is_rejected_stays_as_it_came() -> None:
    bad = {"messages": [ASKED, said(f"{LOOP}<|im_end|>")]}
    kept, rejected, tally, _ = cleaned({"messages": [ASKED, said(f"{GOOD}<|im_end|>")]}, bad)
    assert kept == [{"messages": [ASKED, said(GOOD)]}]
    assert rejected[0]["messages"] == bad["messages"]
    assert tally.mended == 2


def test_tool_calls_are_held_against_the_tools_of_the_record() -> None:
    call = {"type": "function", "function": {"name": "weather", "arguments": "{}"}}
    tool = {"type": "function", "function": {"name": "rockets", "parameters": {}}}
    message = {"role": "assistant", "content": None, "tool_calls": [call]}
    _, rejected, _, _ = cleaned({"messages": [ASKED, message], "tools": [tool]})
    assert rejected[0]["bestofn"][0]["rejections"][0]["reason"] == "unknown_tool"


@pytest.mark.parametrize("tools", ["not json", {}, 5, ["calc"], [{"name": "rockets"}, "calc"]])
def test_tools_that_cannot_be_read_are_none(tools: Any) -> None:
    call = {"type": "function", "function": {"name": "weather", "arguments": "{}"}}
    message = {"role": "assistant", "content": None, "tool_calls": [call]}
    record = {"messages": [ASKED, message], "tools": tools}
    kept, rejected, _, broken = cleaned(record)
    assert (kept, rejected, broken) == ([record], [], [])


def test_a_filter_that_fails_keeps_nothing_and_loses_nothing() -> None:
    spec = FilterSpec(name="custom", options={"path": "math:factorial"})  # takes one argument
    record = {"prompt": "x", "response": GOOD}
    kept, rejected, tally, _ = cleaned(record, specs=[spec])
    assert kept == []
    assert rejected[0]["bestofn"][0]["failure"]["reason"] == "filter_error"
    assert tally.answers == {"failed": 1}


@pytest.mark.parametrize(
    ("record", "sentence"),
    [
        ("it is no JSON", "it is no JSON"),
        ({"prompt": "x"}, "it holds no answer"),
        ({"prompt": "x", "responses": []}, "it holds no answer"),
        ({"messages": [ASKED]}, "it holds no answer"),
        ({"prompt": "x", "response": 3}, "answer 0 is neither"),
        ({"prompt": 3, "response": GOOD}, "prompt"),
        ({"messages": [said(GOOD), {"role": "user"}], "completion": []}, "answer 0 is neither"),
    ],
)
def test_a_record_without_an_answer_is_named(record: Any, sentence: str) -> None:
    good = {"prompt": "x", "response": GOOD}
    kept, _, tally, broken = cleaned(record, good)
    assert kept == [good]
    assert [source for source, _ in broken] == ["x.jsonl:1"]
    assert sentence in broken[0][1]
    assert (tally.rows, tally.broken) == (2, 1)


def test_columns_may_have_other_names() -> None:
    record = {"question": "x", "output": LOOP, "response": GOOD}
    _, rejected, _, _ = cleaned(record, columns={"prompt": "question", "response": "output"})
    assert rejected[0]["output"] == LOOP


def test_a_temperature_of_the_record_makes_no_difference() -> None:
    answered = read_answers(0, "x", {"prompt": "x", "temperature": 0, "responses": ["a", "b"]}, {})
    assert (answered.request.temperature, answered.request.best_of) == (None, 2)
    with pytest.raises(NoAnswerError):
        read_answers(0, "x", {"temperature": 0}, {})
