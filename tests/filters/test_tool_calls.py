"""Tests the filter of broken tool calls, and schemas of clients that would take for ever."""

from __future__ import annotations

import time
from typing import Any

import pytest

from bestofn.core.types import Candidate, Request
from bestofn.filters.bounded_schema import LIMIT_SECONDS, START_SECONDS
from bestofn.filters.json_schema import JsonSchemaFilter
from bestofn.filters.tool_calls import ToolCallsFilter
from tests.support.filter_checking import candidate

FILTER = ToolCallsFilter()
SCHEMA = {"type": "object", "properties": {"town": {"type": "string"}}, "required": ["town"]}
TOOLS = [{"type": "function", "function": {"name": "weather", "parameters": SCHEMA}}]


def calling(arguments: Any, name: str = "weather") -> Candidate:
    """A candidate that calls the tool with these arguments."""
    call = {"id": "1", "type": "function", "function": {"name": name, "arguments": arguments}}
    return candidate(None, "tool_calls", tool_calls=[call])


def reason(made: Candidate, **options: Any) -> str | None:
    """The reason that the filter gives where `TOOLS` are offered."""
    found = FILTER.check(Request.from_prompt("x", options={"tools": TOOLS, **options}), made)
    return found.reason if found else None


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ('{"town": "Par', "invalid_arguments"),
        ("true", "invalid_arguments"),
        ('"Paris"', "invalid_arguments"),
        ('{"town": "Paris"} and more', "invalid_arguments"),
        ("", "invalid_arguments"),
        (None, "invalid_arguments"),
        ('{"city": 5}', "arguments_mismatch"),
        ('{"town": 5}', "arguments_mismatch"),
        ('{"town": "Paris"}', None),
        ({"town": "Paris"}, None),
    ],
)
def test_arguments(arguments: Any, expected: str | None) -> None:
    assert reason(calling(arguments)) == expected


def test_a_tool_that_was_not_offered() -> None:
    assert reason(calling("{}", "rockets")) == "unknown_tool"


def test_a_call_that_was_demanded_and_did_not_come() -> None:
    assert reason(candidate("It is warm."), tool_choice="required") == "missing_call"
    assert reason(candidate("It is warm."), tool_choice="auto") is None
    assert reason(candidate("It is warm."), tool_choice="any") == "missing_call"
    for mode, found in (("auto", None), ("required", "missing_call")):
        choice = {"type": "allowed_tools", "allowed_tools": {"mode": mode, "tools": []}}
        assert reason(candidate("It is warm."), tool_choice=choice) == found


@pytest.mark.model
def test_a_call_without_offered_tools_has_to_parse_only() -> None:
    request = Request.from_prompt("x")
    assert FILTER.check(request, calling('{"a": 1}')) is None
    assert FILTER.check(request, calling('{"a": ')) is not None


@pytest.mark.long
@pytest.mark.parametrize("schema", [[1], 5, "x", {"$schema": 5}, {"$id": 5}, {"$ref": "#"}])
def test_a_tool_whose_schema_is_none_is_not_judged_by_it(schema: Any) -> None:
    tool = {"type": "function", "function": {"name": "weather", "parameters": schema}}
    assert reason(calling("{}"), tools=[tool]) is None


def test_a_pattern_that_backtracks_for_ever_ends_at_the_limit() -> None:
    slow = {"type": "string", "pattern": "^(a+)+$"}
    wanted = {"type": "json_schema", "json_schema": {"name": "x", "schema": slow}}
    request = Request.from_prompt("x", options={"response_format": wanted})
    begin = time.monotonic()
    found = JsonSchemaFilter().check(request, candidate('"' + "a" * 40 + 'b"'))
    assert time.monotonic() - begin < LIMIT_SECONDS + START_SECONDS
    assert found is not None
    assert (found.reason, found.certain) == ("unjudged", False)
    quick = JsonSchemaFilter().check(request, candidate('"aaaa"'))
    assert quick is None


def test_structured_output_is_held_against_the_requests_own_schema() -> None:
    wanted = {"type": "json_schema", "json_schema": {"name": "x", "schema": SCHEMA}}
    request = Request.from_prompt("x", options={"response_format": wanted})
    found = JsonSchemaFilter().check(request, candidate('{"b": 1}'))
    assert found is not None
    assert (found.reason, found.certain) == ("schema_mismatch", True)
