"""Which JSON schemas are judged at once, and which in a process that is killed at a limit."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import BaseModel

from bestofn.filters.schema_cost import is_cheap


class Address(BaseModel):
    street: str
    pattern: str
    city: str


class Person(BaseModel):
    name: str
    home: Address
    work: Address | None = None


def _doubling(count: int) -> dict[str, Any]:
    names = [{"allOf": [{"$ref": f"#/$defs/d{at + 1}"}] * 2} for at in range(count)]
    return {"$defs": {f"d{at}": each for at, each in enumerate([*names, {}])}, "$ref": "#/$defs/d0"}


TREE = {"$defs": {"t": {"items": {"$ref": "#/$defs/t"}}}, "$ref": "#/$defs/t"}


@pytest.mark.parametrize(
    ("schema", "cheap"),
    [
        (True, True),
        ({"type": "object", "properties": {"a": {"type": "string", "format": "date"}}}, True),
        (Address.model_json_schema(), True),
        ({"const": {"$ref": "x", "pattern": "(a+)+$"}}, True),
        (_doubling(4), True),
        (_doubling(24), False),
        (TREE, False),
        ({"type": "string", "pattern": "(a+)+$"}, False),
        ({"items": {"uniqueItems": True}}, False),
        ({"$ref": "https://example.org/schema"}, False),
        ({"$defs": {"a": 5}, "$ref": "#/$defs/b"}, False),
    ],
)
def test_what_is_cheap_is_judged_at_once(schema: Any, cheap: bool) -> None:
    assert is_cheap(json.dumps(schema)) is cheap


def test_a_schema_of_pydantic_with_references_is_cheap() -> None:
    class Pair(BaseModel):
        home: Person
        other: Person

    schema = Pair.model_json_schema()
    assert "$ref" in json.dumps(schema)
    assert is_cheap(json.dumps(schema))
