"""Expressions that would take for ever to compute: towers of powers, and factorials of large
numbers. They are found in the text, since reading them computes them."""

from __future__ import annotations

import re
from collections.abc import Sequence

LARGEST_EXPONENT = 100_000
"""A power of a larger one has more digits than anybody writes; sympy computes all of them."""

LARGEST_FACTORIAL = 10_000

_POWER = r"\s*(?:\^|\*\*)\s*[({]*\s*"
_TOWER = re.compile(rf"\d{{1,400}}(?:{_POWER}\d{{1,400}})+")
_NUMBER = re.compile(r"\d+")
_FACTORIAL_MARK = r"!(?!=)(?!\s+[^\W\d_]|[\"'”’»)\]*_]*\s*(?:\n|$))"
"""And not the end of a sentence, behind which no formula goes on."""

_FACTORIAL = re.compile(
    rf"(\d{{1,400}})\s*{_FACTORIAL_MARK}|factorial\s*\(\s*(\d{{1,400}}(?:{_POWER}\d{{1,400}})*)"
)


def takes_for_ever(text: str) -> bool:
    """Whether `text` has a number to a power of more than `LARGEST_EXPONENT`, or a factorial of
    more than `LARGEST_FACTORIAL`. Time: linear in the text.

    takes_for_ever("10^{10^{10}}"), takes_for_ever("e^{x^2} + 2^{2^3}")     (True, False)
    takes_for_ever("$36000!$"), takes_for_ever("She earns 36000!")          (True, False)
    """
    powers = (_NUMBER.findall(found.group())[1:] for found in _TOWER.finditer(text))
    if any(_tower(numbers) > LARGEST_EXPONENT for numbers in powers):
        return True
    factorials = (_NUMBER.findall(one or other) for one, other in _FACTORIAL.findall(text))
    return any(_tower(numbers) > LARGEST_FACTORIAL for numbers in factorials)


def _tower(numbers: Sequence[str]) -> int:
    """The first to the power of the second to the power of the third and so on, or one above the
    limit."""
    value = 1
    for number in map(int, reversed(numbers)):
        if number > 1 and value > 400:
            return LARGEST_EXPONENT + 1
        value = min(number**value, LARGEST_EXPONENT + 1)
    return value
