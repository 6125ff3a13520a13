"""Expressions that would take for ever to compute: towers of powers, and factorials of large
numbers. They are found in the text, since reading them computes them."""

from __future__ import annotations

import re
from collections.abc import Sequence

LARGEST_EXPONENT = 100_000
"""A power of a larger one has more digits than anybody writes; sympy computes all of them."""

LARGEST_FACTORIAL = 10_000

_POWER = r"\s*(?:\^|\*\*)\s*[({]*\s*"
_TOWER = re.compile(rf"(?<!\d)\d++(?:{_POWER}\d{{1,400}})+")
_NUMBER = re.compile(r"\d+")
_FACTORIAL = re.compile(r"(?<!\d)(\d++)\s*!(?!=)")
_SPELLED = re.compile(rf"factorial\s*\(\s*(\d{{1,400}}(?:{_POWER}\d{{1,400}})*)")
_FORMULA = re.compile(
    r"\$\$([^$]*)\$\$|\$([^$]*)\$|\\\[(.{0,500}?)\\\]|\\\((.{0,500}?)\\\)"
    r"|\\boxed\s*\{([^\n]{0,400})",
    re.DOTALL,
)
_WORDS = re.compile(r"(?<![\\A-Za-z{])[A-Za-z]{2,}(?![A-Za-z]*[({])")
"""Prose, which stands between the dollars of two prices."""


def takes_for_ever(text: str) -> bool:
    """Whether `text` has a number to a power of more than `LARGEST_EXPONENT`, or in a formula a
    factorial of more than `LARGEST_FACTORIAL`: math-verify reads none elsewhere, where the mark
    ends a sentence. Time: linear in the text.

    takes_for_ever("10^{10^{10}}"), takes_for_ever("e^{x^2} + 2^{2^3}")     (True, False)
    takes_for_ever("$36000!$"), takes_for_ever("She earns 36000!")          (True, False)
    """
    powers = (_NUMBER.findall(found.group())[1:] for found in _TOWER.finditer(text))
    if any(_tower(numbers) > LARGEST_EXPONENT for numbers in powers):
        return True
    formulas = (next(filter(None, found.groups()), "") for found in _FORMULA.finditer(text))
    read = [formula for formula in formulas if not _WORDS.search(formula)]
    factorials = [each for formula in read for each in _FACTORIAL.findall(formula)]
    factorials += _SPELLED.findall(text)
    return any(_tower(_NUMBER.findall(each[:400])) > LARGEST_FACTORIAL for each in factorials)


def _tower(numbers: Sequence[str]) -> int:
    """The first to the power of the second to the power of the third and so on, or one above the
    limit."""
    value = 1
    for number in map(int, reversed(numbers)):
        if number > 1 and value > 400:
            return LARGEST_EXPONENT + 1
        value = min(number**value, LARGEST_EXPONENT + 1)
    return value
