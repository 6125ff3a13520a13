"""Limits on what a template makes: each operation that multiplies a text is measured before."""

from __future__ import annotations

import functools
import re
import string
from collections.abc import Callable, Iterable
from typing import Any

import jinja2

CHARACTERS = 16_000_000
"""Of one text, and of each that is made on the way: twice the largest body that a server takes."""

WIDTH = 100_000
"""The largest number that may say how often or how wide: Jinja's own bound for `range`."""

WIDE_FILTERS = (
    *("batch", "center", "format", "indent", "join", "replace", "slice", "tojson", "wordwrap"),
)
_WIDE_PERCENT = re.compile(r"%(?:\([^)]*\))?[-+ #0]*(?:\*|\d{6,}|\d*\.(?:\*|\d{6,}))")
_WIDE_SPEC = re.compile(r"\d{6}|\{")
"""Widths in a format that are above `WIDTH`, or that are arguments themselves."""


class TemplateLimitError(jinja2.TemplateError):
    """A template took more time or memory than one text may."""


def check_size(size: int) -> None:
    """Refuse a text of more than `CHARACTERS`.

    Raises:
        TemplateLimitError: it is too much.
    """
    if size > CHARACTERS:
        raise TemplateLimitError(f"it makes a text of more than {CHARACTERS:,} characters")


def _check_numbers(given: Iterable[Any]) -> None:
    if any(isinstance(each, int | float) and abs(each) > WIDTH for each in given):
        raise TemplateLimitError(f"it asks for a width of more than {WIDTH:,}")


def check_operation(operator: str, left: Any, right: Any) -> None:
    """Refuse an operation that would make too large a text, list or number.

    Raises:
        TemplateLimitError: it is too much.
    """
    sized = [each for each in (left, right) if isinstance(each, str | list | tuple)]
    numbers = [each for each in (left, right) if isinstance(each, int)]
    if operator == "+" and len(sized) == 2:
        check_size(len(left) + len(right))
    elif operator == "*" and sized and numbers:
        check_size(len(sized[0]) * max(0, numbers[0]))
    elif operator == "%" and isinstance(left, str):
        _check_percent(left)
    elif operator in ("*", "**") and len(numbers) == 2:
        bits = left.bit_length() * (abs(right) if operator == "**" else 1)
        if bits + right.bit_length() > WIDTH:
            raise TemplateLimitError("it makes a number that is too large")


def _check_percent(text: str) -> None:
    if _WIDE_PERCENT.search(text):
        raise TemplateLimitError(f"it asks for a width of more than {WIDTH:,}")


def check_format(text: str) -> None:
    """Refuse a text for `str.format` that asks for too wide a field.

    Raises:
        TemplateLimitError: it is too much.
    """
    specs = (spec for _, _, spec, _ in string.Formatter().parse(text) if spec)
    if any(map(_WIDE_SPEC.search, specs)):
        raise TemplateLimitError(f"it asks for a width of more than {WIDTH:,}")


def check_method(name: str, owner: str, given: list[Any]) -> None:
    """Refuse a call of a text's method that would make too large a text.

    Raises:
        TemplateLimitError: it is too much.
    """
    if name == "join" and given and isinstance(given[0], list | tuple):
        check_size(sum(len(each) + len(owner) for each in given[0] if isinstance(each, str)))
    elif name == "replace" and len(given) >= 2 and all(isinstance(g, str) for g in given[:2]):
        check_size(len(owner) + owner.count(given[0]) * len(given[1]))
    elif name in ("center", "expandtabs", "ljust", "rjust", "zfill"):
        _check_numbers(given)
        if name == "expandtabs":
            check_size(owner.count("\t") * max([8, *(g for g in given if isinstance(g, int))]))


def measured_filter(name: str, apply: Callable[..., Any]) -> Callable[..., Any]:
    """The filter, which first measures what it is given."""

    @functools.wraps(apply)  # Jinja's marks of what it wants besides go with it
    def measured(*args: Any, **options: Any) -> Any:
        values = list(args[1:] if hasattr(apply, "jinja_pass_arg") else args)
        further = [*values[1:], *options.values()]
        _check_numbers(further)
        value = values[0]
        if name == "format":
            _check_percent(str(value))
        elif name == "join":
            separator = next((each for each in further if isinstance(each, str)), "")
            value = list(value)
            check_size(sum(len(str(each)) + len(separator) for each in value))
            args = (*args[: len(args) - len(values)], value, *values[1:])
        elif name == "replace":
            check_method(name, str(value), [str(each) for each in further])
        elif name in ("indent", "wordwrap"):
            width = max((each for each in further if isinstance(each, int)), default=4)
            check_size(len(str(value)) + str(value).count("\n") * width)
        return apply(*args, **options)

    return measured
