"""Tests the custom filter."""

from __future__ import annotations

import pytest

from bestofn.core.errors import ConfigError
from bestofn.core.types import Candidate, Rejection, Request
from bestofn.filters.custom import CustomFilter
from tests.support.filter_checking import rejection

HERE = __name__
NOT_CALLABLE = 5


def keeps(request: Request, candidate: Candidate) -> None:
    """Keep everything."""


def keeps_with_true(request: Request, candidate: Candidate) -> bool:
    """Keep everything, saying so."""
    return True


def rejects(request: Request, candidate: Candidate) -> bool:
    """Reject everything."""
    return False


def explains(request: Request, candidate: Candidate) -> str:
    """Reject everything with a detail."""
    return f"{candidate.text!r} is no answer to {request.last_user_text!r}"


def words_it_itself(request: Request, candidate: Candidate) -> Rejection:
    """Reject everything with a reason of its own."""
    return Rejection("mine", "too_green", "it is green")


def returns_a_number(request: Request, candidate: Candidate) -> int:
    """Return what is no verdict."""
    return 3


class Holder:
    """Holds a static method."""

    check = staticmethod(rejects)


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        ("keeps", None),
        ("keeps_with_true", None),
        ("rejects", Rejection("custom", "rejected", f"{HERE}:rejects rejected it")),
        ("Holder.check", Rejection("custom", "rejected", f"{HERE}:Holder.check rejected it")),
        ("explains", Rejection("custom", "rejected", "'x' is no answer to 'Say something.'")),
        ("words_it_itself", Rejection("mine", "too_green", "it is green")),
    ],
)
def test_verdicts(function: str, expected: Rejection | None) -> None:
    assert rejection(CustomFilter(path=f"{HERE}:{function}"), "x") == expected


def test_label_names_the_filter() -> None:
    judge = CustomFilter(path=f"{HERE}:rejects", label="green")
    found = rejection(judge, "x")
    assert judge.name == "green"
    assert found is not None
    assert found.filter == "green"


def test_something_else_than_a_verdict_is_a_type_error() -> None:
    with pytest.raises(TypeError, match="returned int; it has to be None, a Rejection, a str"):
        rejection(CustomFilter(path=f"{HERE}:returns_a_number"), "x")


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("no_colon", "'no_colon' is not of the form package.module:function"),
        (":f", "is not of the form"),
        ("os:", "is not of the form"),
        ("no.such.module:f", "no.such.module cannot be imported: No module named"),
        ("..relative:f", "is not of the form"),
        (f"{HERE}:nothing", f"{HERE} has no nothing"),
        (f"{HERE}:Holder.nothing", f"{HERE} has no Holder.nothing"),
        (f"{HERE}:NOT_CALLABLE", "NOT_CALLABLE is not callable"),
    ],
)
def test_bad_paths_are_config_errors(path: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        CustomFilter(path=path)
