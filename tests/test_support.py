"""What several packages need: foreign errors as a sentence, objects by their import path."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError, model_validator

from bestofn.core.errors import ConfigError
from bestofn.support.error_text import LONGEST, faults, first_line
from bestofn.support.import_path import imported, load_function


class _Inner(BaseModel):
    count: int


class _Outer(BaseModel):
    inner: list[_Inner]

    @model_validator(mode="after")
    def _not_empty(self) -> _Outer:
        if not self.inner:
            raise ValueError("there is nothing in it")
        return self


def _faults_of(value: Any, **options: Any) -> list[str]:
    with pytest.raises(ValidationError) as caught:
        _Outer.model_validate(value)
    return [str(fault) for fault in faults(caught.value, **options)]


def test_each_fault_is_a_path_and_a_message() -> None:
    first, second = _faults_of({"inner": [{"count": "x"}, {}]})
    assert first.startswith("inner.0.count: must be a whole number")
    assert second == "inner.1.count: has to be given"


def test_parts_that_are_no_field_of_the_users_are_left_out() -> None:
    assert _faults_of({"inner": [{}]}, without=("inner",)) == ["0.count: has to be given"]


def test_a_fault_of_the_whole_is_its_message_alone() -> None:
    assert _faults_of({"inner": []}) == ["there is nothing in it"]


def test_an_exception_is_its_class_and_its_first_line() -> None:
    assert first_line(OSError("disk full\nmore")) == "OSError: disk full"
    assert first_line(OSError()) == "OSError"
    assert len(first_line(OSError("x" * 999))) == LONGEST + len("...")


def test_an_attribute_may_be_dotted() -> None:
    assert imported("pathlib:Path.cwd")() == Path.cwd()
    assert load_function("pathlib:Path.cwd", "test")() == Path.cwd()


def test_an_attribute_that_is_absent_is_named() -> None:
    with pytest.raises(ConfigError, match=r"^test: pathlib has no Path\.nowhere$"):
        load_function("pathlib:Path.nowhere", "test")
