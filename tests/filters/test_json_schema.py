"""Tests the JSON schema filter."""

from __future__ import annotations

from typing import Any

import pytest

from bestofn.errors import ConfigError
from bestofn.filters.json_schema import JsonSchemaFilter
from bestofn.types import Rejection, Request
from tests.filters.checking import REQUEST, candidate, rejection

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"age": {"type": "integer"}},
    "required": ["age"],
}


def wanting(schema: object) -> Request:
    """A request whose response_format names a schema."""
    wanted = {"type": "json_schema", "json_schema": {"name": "person", "schema": schema}}
    return Request.from_prompt("x", options={"response_format": wanted})


def judge(request: Request, text: str) -> Rejection | None:
    """What the filter without a schema of its own says."""
    return JsonSchemaFilter().check(request, candidate(text))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"age": 3}', None),
        ('```json\n{"age": 3}\n```', None),
        ('{"age": 3', "invalid_json"),
        ("three", "invalid_json"),
        ("", "invalid_json"),
        ('{"age": "three"}', "schema_mismatch"),
        ("[]", "schema_mismatch"),
    ],
)
def test_given_and_requested_schemas_say_the_same(text: str, expected: str | None) -> None:
    for found in (rejection(JsonSchemaFilter(schema=SCHEMA), text), judge(wanting(SCHEMA), text)):
        assert (found.reason if found else None) == expected


def test_mismatch_names_the_place_and_the_rule() -> None:
    found = judge(wanting(SCHEMA), '{"age": "three"}')
    assert found is not None
    assert found.filter == "json_schema"
    assert found.detail == "at $.age: 'three' is not of type 'integer'"


def test_the_filters_own_schema_comes_first() -> None:
    own = JsonSchemaFilter(schema={"type": "array"})
    assert own.check(wanting(SCHEMA), candidate("[1]")) is None


@pytest.mark.parametrize(
    "wanted", [None, {"type": "text"}, {"type": "json_object"}, {"type": "json_schema"}, "json"]
)
def test_requests_without_a_schema_are_not_judged(wanted: object) -> None:
    request = Request.from_prompt("x", options={"response_format": wanted})
    assert judge(request, "no json") is None
    assert judge(REQUEST, "no json") is None


@pytest.mark.parametrize("schema", [{"type": "wrong"}, 5, {"properties": {"a": object()}}])
def test_an_unusable_schema_in_the_request_is_a_rejection(schema: object) -> None:
    found = judge(wanting(schema), "{}")
    assert found is not None
    assert found.reason == "unusable_schema"


def test_an_unusable_schema_in_the_settings_is_a_config_error() -> None:
    with pytest.raises(ConfigError, match="the schema is unusable: 'wrong' is not valid"):
        JsonSchemaFilter(schema={"type": "wrong"})


def test_pure_tool_calls_are_not_judged() -> None:
    call = candidate(None, "tool_calls", tool_calls=[{"id": "1"}])
    assert JsonSchemaFilter(schema=SCHEMA).check(REQUEST, call) is None
