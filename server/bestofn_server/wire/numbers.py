"""Integers of JSON, which has one kind of numbers: 8.0 is the integer 8."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator


def whole(value: Any) -> Any:
    """The integer that a number is; anything else as it is."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def whole_numbers(value: Any) -> Any:
    """Token ids as integers; a list of anything else is one error, not one for each.

    Raises:
        ValueError: something in the list is no number.
    """
    kinds = set(map(type, value)) if isinstance(value, list) else set()
    if not kinds <= {int, float}:
        raise ValueError("token ids have to be integers")
    return [whole(each) for each in value] if float in kinds else value


OptionalInteger = Annotated[int | None, BeforeValidator(whole)]
"""An integer or null, in a body that is read strictly. (Of a named integer `| None` pydantic would
write no bound into the page.)"""
