"""Validators of JSON schemas from requests: valid, and with no reference that leads outside."""

from __future__ import annotations

import functools
import json
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
        ValueError: it is no valid JSON schema, or one of its references leads nowhere.
        TypeError: a reference leads into a number.
    """
    from jsonschema.validators import Draft202012Validator, validator_for

    parsed = json.loads(schema)
    cls = validator_for(parsed, default=Draft202012Validator)
    registry = _drafts()
    _check(parsed, cls, registry)
    validator: SchemaValidator = cls(parsed, registry=registry)
    return validator


def _drafts() -> SchemaRegistry:
    """The drafts' metaschemas, and no way to retrieve anything else."""
    from jsonschema_specifications import REGISTRY  # type: ignore[import-untyped]

    registry: SchemaRegistry = REGISTRY
    return registry


def _check(schema: Any, cls: type[Validator], registry: SchemaRegistry) -> None:
    """See that `schema`, and all that it refers to by however many steps, is valid by `cls`."""
    from referencing.exceptions import Unresolvable
    from referencing.jsonschema import specification_with

    specification = specification_with(cls.META_SCHEMA["$schema"])
    keywords = {"$ref", "$dynamicRef"} & cls.VALIDATORS.keys()
    root = specification.create_resource(schema)
    targets = [(registry.resolver_with_root(root), root)]
    seen: set[int] = set()
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
            for reference in (found[keyword] for keyword in keywords & found.keys()):
                try:
                    target = resolver.lookup(reference)
                except (Unresolvable, AttributeError) as error:  # or no text, as draft 4 lets pass
                    where = f"the reference {reference!r} leads to nothing in it"
                    raise ValueError(f"{where}, and nothing is fetched") from error
                targets.append((target.resolver, specification.create_resource(target.contents)))
            within += [(resolver.in_subresource(each), each) for each in resource.subresources()]


def _check_form(schema: Any, cls: type[Validator]) -> None:
    from jsonschema.exceptions import SchemaError

    try:
        cls.check_schema(schema)
    except SchemaError as error:
        raise ValueError(error.message) from error
