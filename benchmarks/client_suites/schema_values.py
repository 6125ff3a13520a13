"""A value that a JSON schema allows, as a model with guided decoding would write it.

    schema = {"type": "object", "properties": {"city": {"type": "string"}}}
    value_of(schema, Said("the weather in 'Oslo'"))     # {"city": "Oslo"}

Enough of JSON schema for the tools and the answers that the suites of clients ask for; every
property is filled, whether it is required or not.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

Schema = Mapping[str, Any]


class Said:
    """The numbers and the quoted words of a question, each of which is used once.

    Args:
        text: the question.
    """

    def __init__(self, text: str) -> None:
        found = re.findall(r"(?<![\w.])-?(?:0|[1-9]\d*)(?:\.\d+)?(?![\w.]*\d)", text)
        self.numbers: list[float] = [json.loads(each) for each in found]
        self.words: list[str] = re.findall(r"['\"`]([^'\"`\s]+)['\"`]", text)

    def number(self) -> float:
        """The next number; 1 where none is left."""
        return self.numbers.pop(0) if self.numbers else 1

    def word(self) -> str:
        """The next word; "text" where none is left."""
        return self.words.pop(0) if self.words else "text"


def value_of(schema: Schema, said: Said, definitions: Schema | None = None) -> Any:
    """A value of `schema`.

    Args:
        schema: it.
        said: what numbers and strings are taken from, in order, as a model takes them.
        definitions: what references in it mean; without: its own.
    """
    known = definitions or {**schema.get("definitions", {}), **schema.get("$defs", {})}
    if "$ref" in schema:
        return value_of(known[schema["$ref"].rpartition("/")[2]], said, known)
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return schema["enum"][0]
    for name in ("anyOf", "oneOf", "allOf"):
        if schema.get(name):
            return value_of(schema[name][0], said, known)
    kind = schema.get("type", "object" if "properties" in schema else "string")
    if isinstance(kind, list):
        kind = next((each for each in kind if each != "null"), "null")
    match kind:
        case "object":
            properties = schema.get("properties", {})
            return {name: value_of(each, said, known) for name, each in properties.items()}
        case "array":
            count = max(1, schema.get("minItems", 1))
            return [value_of(schema.get("items", {}), said, known) for _ in range(count)]
        case "integer":
            return int(said.number())
        case "number":
            return said.number()
        case "boolean":
            return True
        case "null":
            return None
    return said.word().ljust(schema.get("minLength", 0), ".")
