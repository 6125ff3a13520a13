"""Tests the JSON schema filter."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from bestofn.core.best_of_n import best_of_n
from bestofn.core.errors import ConfigError, RequestError
from bestofn.core.types import Rejection, Request
from bestofn.filters.json_schema import JsonSchemaFilter
from tests.support.filter_checking import REQUEST, candidate, rejection
from tests.support.scripts import pipeline_of

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


@pytest.mark.parametrize(
    ("schema", "why"),
    [
        ({"type": "wrong"}, "'wrong' is not valid"),
        (5, "a schema is an object, and this is 5"),
        ([1], "a schema is an object, and this is [1]"),
        ({"properties": {"a": object()}}, "not JSON serializable"),
        ({"$schema": 5}, "its $schema is no text"),
        ({"$id": 5}, "its $id is no text"),
        ({"$schema": "http://json-schema.org/draft-04/schema#", "id": 5}, "it is no JSON schema"),
        ({"$ref": "#"}, "judging has no end"),
        ({"anyOf": [{"type": "null"}, {"$ref": "#"}]}, "judging has no end"),
        ({"$ref": "#/$defs/a", "$defs": {"a": {"not": {"$ref": "#"}}}}, "judging has no end"),
    ],
)
async def test_an_unusable_schema_in_the_request_is_a_rejection_or_refused_before(
    schema: object, why: str
) -> None:
    found = judge(wanting(schema), "{}")
    assert found is not None
    assert found.reason == "unusable_schema"
    said = await JsonSchemaFilter().refusal(wanting(schema))
    assert said is not None
    assert said.startswith("the schema of response_format is unusable: ")
    assert why in said
    pipeline, generator, _ = pipeline_of(["{}"], filters=[JsonSchemaFilter()])
    with pytest.raises(RequestError, match="the schema of response_format is unusable"):
        await best_of_n(wanting(schema), pipeline)
    assert generator.sampled == []


async def test_a_schema_that_returns_within_a_value_is_usable() -> None:
    tree = {"type": "object", "properties": {"kids": {"type": "array", "items": {"$ref": "#"}}}}
    assert await JsonSchemaFilter().refusal(wanting(tree)) is None
    assert judge(wanting(tree), '{"kids": [{"kids": []}]}') is None
    assert judge(wanting(tree), '{"kids": [5]}') is not None


def test_an_unusable_schema_in_the_settings_is_a_config_error() -> None:
    with pytest.raises(ConfigError, match="the schema is unusable: 'wrong' is not valid"):
        JsonSchemaFilter(schema={"type": "wrong"})


def test_pure_tool_calls_are_not_judged() -> None:
    call = candidate(None, "tool_calls", tool_calls=[{"id": "1"}])
    assert JsonSchemaFilter(schema=SCHEMA).check(REQUEST, call) is None


@pytest.fixture
def remote() -> Iterator[tuple[str, list[str]]]:
    """The URL of a schema that may not be fetched, and the paths that were fetched."""
    fetched: list[str] = []

    class Schemas(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            fetched.append(self.path)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b'{"type": "integer"}')

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Schemas) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/age.json", fetched
        server.shutdown()


@pytest.mark.parametrize(
    ("draft", "keyword"),
    [
        ("https://json-schema.org/draft/2020-12/schema", "$ref"),
        ("https://json-schema.org/draft/2020-12/schema", "$dynamicRef"),
        ("https://json-schema.org/draft/2019-09/schema", "$ref"),
        ("http://json-schema.org/draft-07/schema#", "$ref"),
        ("http://json-schema.org/draft-03/schema#", "$ref"),
    ],
)
def test_a_remote_reference_is_never_fetched(
    remote: tuple[str, list[str]], draft: str, keyword: str
) -> None:
    url, fetched = remote
    schema = {"$schema": draft, "properties": {"age": {keyword: url}}}
    for text in ('{"age": 3}', "{}"):
        found = judge(wanting(schema), text)
        assert found is not None
        assert found.reason == "unusable_schema"
        assert f"the reference '{url}' leads to nothing in it" in found.detail
    with pytest.raises(ConfigError, match="nothing is fetched"):
        JsonSchemaFilter(schema=schema)
    assert fetched == []


@pytest.mark.parametrize("base", ["$id", "$schema"])
def test_a_remote_base_is_never_fetched_either(remote: tuple[str, list[str]], base: str) -> None:
    url, fetched = remote
    found = judge(wanting({base: url, "items": {base: url, "$ref": "other.json"}}), "[1]")
    assert found is not None
    assert found.reason == "unusable_schema"
    assert fetched == []


@pytest.mark.parametrize(
    ("reference", "further"),
    [
        ("#/$defs/none", {}),
        ("#none", {}),
        ("other.json", {}),
        ("#/required/0", {"required": ["age"]}),
        ("#/required/age", {"required": ["age"]}),
        ("#/x/y", {"x": {"y": {"$ref": "#/z"}}}),
        ("#/x", {"x": {"properties": 5}}),
        ("#/maximum/0", {"maximum": 5}),
        ("http://[", {}),
        (5, {"$schema": "http://json-schema.org/draft-04/schema#"}),
    ],
)
def test_a_reference_that_leads_nowhere_makes_the_schema_unusable(
    reference: object, further: dict[str, Any]
) -> None:
    schema = {**further, "properties": {"age": {"$ref": reference}}}
    found = judge(wanting(schema), "{}")
    assert found is not None
    assert found.reason == "unusable_schema"
    with pytest.raises(ConfigError, match="the schema is unusable"):
        JsonSchemaFilter(schema=schema)


@pytest.mark.parametrize(
    ("reference", "further"),
    [
        ("#/$defs/age", {"$defs": {"age": {"type": "integer"}}}),
        ("#age", {"$defs": {"age": {"$anchor": "age", "type": "integer"}}}),
        ("urn:age", {"$defs": {"age": {"$id": "urn:age", "type": "integer"}}}),
        ("#/$defs/a", {"$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"type": "integer"}}}),
        ("#/x/y", {"x": {"y": {"type": "integer"}}}),
        ("#/definitions/age", {"$schema": "http://json-schema.org/draft-07/schema#"}
         | {"definitions": {"age": {"type": "integer"}}}),
    ],
)  # fmt: skip
def test_a_reference_within_the_schema_is_followed(reference: str, further: dict[str, Any]) -> None:
    request = wanting({**further, "properties": {"age": {"$ref": reference}}})
    assert judge(request, '{"age": 3}') is None
    found = judge(request, '{"age": "three"}')
    assert found is not None
    assert found.reason == "schema_mismatch"
    assert found.detail == "at $.age: 'three' is not of type 'integer'"


def test_a_schema_may_refer_to_itself_and_to_its_draft() -> None:
    tree = {"type": "object", "additionalProperties": {"$ref": "#"}}
    assert judge(wanting(tree), '{"a": {"b": {}}}') is None
    assert judge(wanting(tree), '{"a": {"b": 1}}') is not None
    draft = {"$ref": "https://json-schema.org/draft/2020-12/schema"}
    assert judge(wanting(draft), '{"type": "integer"}') is None
    assert judge(wanting(draft), '{"type": "wrong"}') is not None
