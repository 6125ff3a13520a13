"""Whether judging a value by a JSON schema takes time in proportion to the two, by looking at the
schema alone. Most schemas do, those that pydantic writes among them."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator, Mapping
from typing import Any

COSTLY = frozenset(
    {"pattern", "patternProperties", "uniqueItems", "$dynamicRef", "unevaluatedProperties"}
)
"""Keywords that can take for ever: patterns backtrack, and items are compared pair by pair."""

MOST_EXPANDED = 1000
"""Places that references may come to when each is replaced by what it names."""


@functools.lru_cache(maxsize=256)
def is_cheap(schema: str) -> bool:
    """Whether no keyword is costly and references, followed, neither return nor multiply.

    Args:
        schema: as JSON text.
    """
    parsed = json.loads(schema)
    if not isinstance(parsed, dict):
        return True
    try:
        definitions = {**parsed.get("$defs", {}), **parsed.get("definitions", {})}
        body = {k: v for k, v in parsed.items() if k not in ("$defs", "definitions")}
        return _expanded(body, definitions, ()) <= MOST_EXPANDED
    except (_CostlyError, RecursionError, TypeError):
        return False


class _CostlyError(Exception):
    """A costly keyword, or a reference that returns or leads elsewhere."""


def _expanded(part: Any, definitions: Mapping[str, Any], inside: tuple[str, ...]) -> int:
    """How many references it comes to when they are followed."""
    total = 0
    for name in _references(part):
        if name in inside or name not in definitions:
            raise _CostlyError(name)
        total += 1 + _expanded(definitions[name], definitions, (*inside, name))
        if total > MOST_EXPANDED:
            raise _CostlyError(name)
    return total


def _references(part: Any) -> Iterator[str]:
    """The names of the definitions that it refers to."""
    if isinstance(part, list):
        for each in part:
            yield from _references(each)
    if not isinstance(part, dict):
        return
    if COSTLY & part.keys():
        raise _CostlyError(sorted(COSTLY & part.keys())[0])
    for key, value in part.items():
        if key == "$ref":
            yield str(value).removeprefix("#/$defs/").removeprefix("#/definitions/")
        elif key == "properties" and isinstance(value, dict):
            yield from _references(list(value.values()))  # its keys are names, and no keywords
        elif key not in ("const", "enum", "default", "examples"):
            yield from _references(value)
