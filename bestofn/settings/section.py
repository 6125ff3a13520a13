"""The base of every section of the settings, and the bounds of what names and options are."""

from __future__ import annotations

import types
import typing
from typing import Annotated, Any, Union

from pydantic import BaseModel, ConfigDict, ValidationInfo, field_validator

MAX_NAME = 64
"""Characters of the name of a filter or a selector."""

MAX_OPTIONS = 64
"""Options of one."""

NO_TRUTH = "must be a number, not true or false, which yes, no, on and off are too in YAML"
"""What is said of a truth value where a number is taken."""


class Numbered(BaseModel):
    """A model whose numbers are no truth values.

    Python takes true for 1, and YAML takes `yes`, `no`, `on` and `off` for true and false: so
    ``temperature: off`` would be 0, and every candidate the same.
    """

    @field_validator("*", mode="before")
    @classmethod
    def _no_truth(cls, value: Any, info: ValidationInfo) -> Any:
        field = cls.model_fields.get(info.field_name or "")
        if field is not None and is_truth_as_number(value, field.annotation):
            raise ValueError(NO_TRUTH)
        return value


class Section(Numbered):
    """A part of the settings: nothing unknown in it, and it does not change."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def is_truth_as_number(value: Any, annotation: Any) -> bool:
    """Whether it is a truth value, or holds one, where numbers are taken and no truth values."""
    taken = _alternatives(annotation)
    if isinstance(value, bool):
        return not taken.isdisjoint({int, float}) and bool not in taken
    if isinstance(value, list | tuple):
        of = {part for each in taken for part in typing.get_args(each) if part is not Ellipsis}
        return any(is_truth_as_number(item, part) for item in value for part in of)
    return False


def _alternatives(annotation: Any) -> frozenset[Any]:
    origin = typing.get_origin(annotation)
    if origin is Annotated:
        return _alternatives(typing.get_args(annotation)[0])
    if origin in (Union, types.UnionType):
        return frozenset().union(*map(_alternatives, typing.get_args(annotation)))
    return frozenset({annotation})
