"""Tool calls: those that mean the same have one key, those that differ in meaning have not."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from bestofn.answers.tool_calls import ToolCallsKey
from bestofn.core.types import Request
from tests.support.answers import called, said

UUIDS = [f"0b1c2d3e-0000-4000-8000-00000000000{at}" for at in range(3)]


def _keys(request: Request | str, *arguments: Any) -> list[str | None]:
    """The default keys of calls of one function with these arguments."""
    asked = Request.from_prompt(request) if isinstance(request, str) else request
    return [ToolCallsKey().key(asked, called(("f", json.dumps(each)))) for each in arguments]


def test_tool_calls_are_the_same_whatever_their_ids_and_moments() -> None:
    key, request = ToolCallsKey(), Request.from_prompt("x")
    one = called(("book", '{"to": "Rome", "seats": 2, "request_id": "a1"}'), text="I book it.")
    other = called(("book", '{"seats": 2.0, "to": "Rome", "timestamp": 17}'))
    made_up = {"to": "Rome", "seats": 2, "created_at": "2026-01-02T03:04:05Z"}
    made_up["token"] = "0b1c2d3e-0000-4000-8000-000000000000"
    third = called(("book", json.dumps(made_up)))
    assert key.key(request, one) == key.key(request, other) == key.key(request, third) is not None
    assert key.key(request, called(("book", '{"to": "Roma", "seats": 2}'))) != key.key(request, one)
    assert key.key(request, called(("cancel", '{"to": "Rome", "seats": 2}'))) != key.key(
        request, one
    )
    twice = called(("book", '{"to": "Rome", "seats": 2}'), ("book", '{"to": "Rome", "seats": 2}'))
    assert key.key(request, twice) != key.key(request, one)


def test_arguments_can_be_left_out_by_name_and_made_up_ones_kept() -> None:
    request = Request.from_prompt("x")
    one, other = (called(("f", json.dumps({"why": why, "n": 1}))) for why in ("a", "b"))
    named = ToolCallsKey(leave_out=("why",))
    assert ToolCallsKey().key(request, one) != ToolCallsKey().key(request, other)
    assert named.key(request, one) == named.key(request, other)
    by_id = [called(("f", json.dumps({"request_id": at}))) for at in (1, 2)]
    kept = ToolCallsKey(made_up=True)
    assert kept.key(request, by_id[0]) != kept.key(request, by_id[1])
    assert ToolCallsKey().key(request, by_id[0]) == ToolCallsKey().key(request, by_id[1])


@pytest.mark.parametrize("arguments", ["{", "[1]", '"x"', "[" * 50_000])
def test_calls_whose_arguments_are_no_object_do_not_vote(arguments: str) -> None:
    assert ToolCallsKey().key(Request.from_prompt("x"), called(("f", arguments))) is None
    assert ToolCallsKey().key(Request.from_prompt("x"), said("no call")) is None
    broken = said(None, tool_calls=[{"function": {}}, "x"])
    assert ToolCallsKey().key(Request.from_prompt("x"), broken) is None


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"id": 1}, {"id": 2}),
        ({"due": "2026-01-01T10:00:00Z"}, {"due": "2026-02-01T10:00:00Z"}),
        ({"days": ["2026-01-01T10:00:00Z"]}, {"days": ["2026-02-01T10:00:00Z"]}),
        ({"order": {"id": "a1"}}, {"order": {"id": "a2"}}),
    ],
)
def test_ids_and_moments_say_what_a_call_is_about(one: Any, other: Any) -> None:
    keys = _keys("x", one, other)
    assert None not in keys
    assert keys[0] != keys[1]


def test_uuids_that_were_made_up_do_not_count_wherever_they_stand() -> None:
    for one, other in (({"a": UUIDS[0]}, {"a": UUIDS[1]}), ({"a": UUIDS[:1]}, {"a": UUIDS[1:2]})):
        keys = _keys(f"Not {UUIDS[2]}.", one, other)
        assert keys[0] == keys[1] is not None


def test_what_stands_in_the_conversation_counts_always() -> None:
    asked = f"Of the requests 17 and 18 and {UUIDS[0].upper()}, and {UUIDS[1]}, delete the first."
    found = called(("find", json.dumps({"at": "2026-01-02T03:04:05Z"}))).message
    told = {"role": "tool", "content": [{"type": "text", "text": asked}]}
    by_tool = Request(messages=({"role": "user", "content": "Delete one."}, told))
    by_call = Request(messages=({"role": "user", "content": "x"}, found))
    for request in (asked, by_tool):
        for one, other in (
            ({"request_id": 17}, {"request_id": "18"}),
            ({"uuid": UUIDS[0]}, {"uuid": UUIDS[1]}),
            ({"list": UUIDS[:1]}, {"list": UUIDS[1:2]}),
            ({"request_id": 17}, {"request_id": 19}),
        ):
            keys = _keys(request, one, other)
            assert keys[0] != keys[1], one
        keys = _keys(request, {"request_id": 7}, {"request_id": 8}, {"request_id": {"n": 17}}, {})
        assert len(set(keys)) == 1
    moments = [{"timestamp": f"2026-01-02T03:04:0{at}Z"} for at in (5, 6)]
    assert len(set(_keys(by_call, *moments))) == 2
    assert len(set(_keys("x", *moments))) == 1


def test_a_long_conversation_is_read_once_for_all_candidates() -> None:
    request = Request.from_prompt("some words " * 100_000)
    began = time.process_time()
    _keys(request, *({"all": UUIDS * 20, "at": at} for at in range(200)))
    assert time.process_time() - began < 10
