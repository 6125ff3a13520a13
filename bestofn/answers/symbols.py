"""Signs and symbols of short answers in one form, without losing what they say.

plain("3² ≥ −2½")                           # "3^2 ≥ -5/2"
plain("1 1/2 cups")                         # "3/2 cups"
plain("x >= 3")                             # "x ≥ 3"
"""

from __future__ import annotations

import re
import unicodedata
from fractions import Fraction

OPERATORS = r"¬±×÷←-⇿∀-⋿⟀-⟿⤀-⫿"
"""Mathematical symbols and arrows beyond ASCII, as the inside of a character class."""

_RAISED = "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻ⁿ"
_POWER = re.compile(rf"(?<=[\d)])[{_RAISED}]+")
_FRACTIONS = "¼½¾⅐-⅞"
_MIXED = re.compile(rf"(?<![\d.,])(\d{{1,9}}) ?([{_FRACTIONS}])")
_MIXED_IN_DIGITS = re.compile(r"(?<![\d.,/])(\d{1,9}) (\d{1,4})/(\d{1,4})(?![\d/.-])")
_ONE_FORM = {
    **{"<=": "≤", ">=": "≥", "!=": "≠", "⩽": "≤", "⩾": "≥"},
    **{"−": "-", "⁄": "/"},
}
_OTHER_FORMS = re.compile("|".join(_ONE_FORM) + r"|–(?=[\d.$€£])")


def plain(text: str) -> str:
    """The text in NFKC, with raised figures behind a number as its power ("10³" is no 103; behind a
    word they are of a unit, or name a footnote), mixed fractions as fractions, and one character
    for each sign."""
    text = _MIXED.sub(_improper, _POWER.sub(_raised, text))
    return one_form(unicodedata.normalize("NFKC", text))


def one_form(text: str) -> str:
    """The text with one character for each sign (minus, division, comparisons), and mixed fractions
    as fractions."""
    one = _OTHER_FORMS.sub(lambda found: _ONE_FORM.get(found[0], "-"), text)
    return _MIXED_IN_DIGITS.sub(_improper_digits, one) if "/" in one else one


def _raised(found: re.Match[str]) -> str:
    return "^" + unicodedata.normalize("NFKC", found[0])


def _improper(found: re.Match[str]) -> str:
    part = Fraction(unicodedata.numeric(found[2])).limit_denominator(10)
    return str(int(found[1]) + part)


def _improper_digits(found: re.Match[str]) -> str:
    whole, above, below = (int(each) for each in found.groups())
    return f"{whole * below + above}/{below}" if 0 < above < below else found[0]
