"""Validators of JSON schemas from requests: valid, and with no reference that leads outside."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from jsonschema.protocols import Validator
    from referencing.jsonschema import SchemaRegistry


class SchemaValidator(Protocol):
    """What finds the mismatches between a schema and a value."""

    def iter_errors(self, instance: Any) -> Any:
        """Each mismatch, as a `jsonschema.ValidationError`."""
        ...


@functools.lru_cache(maxsize=64)
def validator_of(schema: str) -> SchemaValidator:
    """The validator of a schema that is given as JSON text.

    Nothing is ever fetched: a schema comes with a request, and jsonschema by itself would open any
    URL that a reference names. The drafts' own metaschemas are at hand.

    Raises:
        ValueError: it is no valid JSON schema, or one of its references leads nowhere, or back to
            where it stands, without an end.
        TypeError: a reference leads into a number.
    """
    from jsonschema.validators import Draft202012Validator, validator_for

    parsed = json.loads(schema)
    _check_head(parsed)
    cls = validator_for(parsed, default=Draft202012Validator)
    registry = _drafts()
    try:
        _check(parsed, cls, registry)
    except AttributeError as error:  # draft 4's id, and its like
        raise ValueError("it is no JSON schema: a name or a reference in it is no text") from error
    validator: SchemaValidator = cls(parsed, registry=registry)
    return validator


def _check_head(schema: Any) -> None:
    """See that it is what a schema can be at all: jsonschema fails on others in its own ways.

    Raises:
        ValueError: it is not.
    """
    if isinstance(schema, bool):
        return
    if not isinstance(schema, dict):
        raise ValueError(f"a schema is an object, and this is {json.dumps(schema)[:80]}")
    for keyword in ("$schema", "$id"):
        if not isinstance(schema.get(keyword, ""), str):
            raise ValueError(f"its {keyword} is no text")


def _drafts() -> SchemaRegistry:
    """The drafts' metaschemas, and no way to retrieve anything else."""
    from jsonschema_specifications import REGISTRY  # type: ignore[import-untyped]

    registry: SchemaRegistry = REGISTRY
    return registry


def _check(schema: Any, cls: type[Validator], registry: SchemaRegistry) -> None:
    """See that `schema`, and all that it refers to by however many steps, is valid by `cls`, and
    that judging by it has an end (JSON Schema Core 2020-12, 9.4.1)."""
    from referencing.exceptions import Unresolvable
    from referencing.jsonschema import specification_with

    specification = specification_with(cls.META_SCHEMA["$schema"])
    keywords = {"$ref", "$dynamicRef"} & cls.VALIDATORS.keys()
    root = specification.create_resource(schema)
    targets = [(registry.resolver_with_root(root), root)]
    seen: set[int] = set()
    applied: dict[int, list[int]] = {}  # what each applies to the value that it is applied to
    while targets:
        within = [targets.pop()]
        if id(within[0][1].contents) not in seen:
            _check_form(within[0][1].contents, cls)
        while within:
            resolver, resource = within.pop()
            found = resource.contents
            if not isinstance(found, dict) or id(found) in seen:
                continue
            seen.add(id(found))
            applied[id(found)] = [id(each) for each in _in_place(found)]
            for reference in (found[keyword] for keyword in keywords & found.keys()):
                try:
                    target = resolver.lookup(reference)
                except (Unresolvable, AttributeError) as error:  # or no text, as draft 4 lets pass
                    where = f"the reference {reference!r} leads to nothing in it"
                    raise ValueError(f"{where}, and nothing is fetched") from error
                targets.append((target.resolver, specification.create_resource(target.contents)))
                applied[id(found)].append(id(target.contents))
            within += [(resolver.in_subresource(each), each) for each in resource.subresources()]

    if _returns(applied):
        raise ValueError("it refers to itself for the same value, so that judging has no end")


def _in_place(schema: dict[str, Any]) -> Iterator[Any]:
    """The schemas within it that apply to the whole value, as it does itself."""
    for keyword in ("allOf", "anyOf", "oneOf"):
        several = schema.get(keyword)
        yield from several if isinstance(several, list) else ()
    yield from (schema[keyword] for keyword in ("not", "if", "then", "else") if keyword in schema)


def _returns(edges: Mapping[int, Sequence[int]]) -> bool:
    """Whether some way along the edges leads back to where it began."""
    try:
        TopologicalSorter(edges).prepare()
    except CycleError:
        return True
    return False


def _check_form(schema: Any, cls: type[Validator]) -> None:
    from jsonschema.exceptions import SchemaError

    try:
        cls.check_schema(schema)
    except SchemaError as error:
        raise ValueError(error.message) from error
