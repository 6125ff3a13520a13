"""Reading what stands in a list of a request: by the package's own types, told by its place."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from bestofn.support.error_text import faults, shortened
from bestofn_server.errors import InvalidBodyError

T = TypeVar("T")


def read(adapter: TypeAdapter[T], value: Any, path: str) -> T:
    """`value` as the type of an API's package.

    Args:
        adapter: of the type.
        value: as it came.
        path: of the place in the body, for the error.

    Raises:
        InvalidBodyError: it is something else; the sentence names the field.
    """
    try:
        return adapter.validate_python(value)
    except ValidationError as error:
        fault = faults(error)[0]
        where = ".".join(filter(None, (path, fault.path)))
        raise refusal(where, fault.message) from None


def kind_of(value: Mapping[str, Any], path: str, default: str | None = None) -> str:
    """Its `type`.

    Raises:
        InvalidBodyError: it is no text, or there is none and no default.
    """
    kind = value.get("type", default)
    if not isinstance(kind, str):
        raise refusal(f"{path}.type", "it has to say what it is")
    return kind


def objects_in(value: Any, path: str) -> list[Mapping[str, Any]]:
    """The objects of a list; none where it is left out.

    Raises:
        InvalidBodyError: it is no list, or one of its items is no object.
    """
    if value is None:
        return []
    if not isinstance(value, list):
        raise refusal(path, "it has to be a list of objects")
    for at, each in enumerate(value):
        if not isinstance(each, dict):
            raise refusal(f"{path}.{at}", "it has to be an object")
    return value


def refusal(path: str, reason: str) -> InvalidBodyError:
    """The error that names the place."""
    return InvalidBodyError(f"{path}: {shortened(reason)}", param=path)
