"""Integers of JSON, which has one kind of numbers: 8.0 is the integer 8."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator


def _whole(value: Any) -> Any:
    return int(value) if isinstance(value, float) and value.is_integer() else value


Integer = Annotated[int, BeforeValidator(_whole)]
"""An integer in a body that is read strictly."""

OptionalInteger = Annotated[int | None, BeforeValidator(_whole)]
"""The same, or null. (Of `Integer | None` pydantic would write no bound into the page.)"""
