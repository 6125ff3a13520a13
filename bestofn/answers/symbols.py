r"""Signs and symbols of short answers in one form, without losing what they say.

plain("3² ≥ −2½")                           # "3^2 ≥ -5/2"
plain("1 1/2 cups")                         # "3/2 cups"
plain(r"x \geq 3, -$5, 5 percent")          # "x ≥3, $-5, 5%"
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
_MIXED_IN_DIGITS = re.compile(r"(?<![\d.,/])(\d{1,3}) (\d{1,4})/(\d{1,4})(?![\d/.-])")
_LATEX = {
    **dict.fromkeys(("le", "leq", "leqslant"), "≤"),
    **dict.fromkeys(("ge", "geq", "geqslant"), "≥"),
    **dict.fromkeys(("ne", "neq"), "≠"),
    **{"pm": "±", "infty": "∞", "pi": "π", "degree": "°"},
}
_LATEX_SYMBOL = re.compile(rf"\\(?:({'|'.join(_LATEX)})(?![A-Za-z])\s?|%|text\{{\s*\\?%\s*\}})")
_THOUSANDS = re.compile(r"(?<=\d)(?:\{,\}|,\\!|\\[,;])(?=\d{3}(?!\d))")
_PER_CENT = re.compile(
    r"(?<=\d)\s?(?:per ?cent\b|\\text\{\s*per ?cent\s*\})|百分之(\d+(?:\.\d+)?)", re.IGNORECASE
)
_CHINESE_FRACTION = re.compile(r"(\d{1,9})分之(\d{1,9})")
_SIGNED_MONEY = re.compile(r"(?<![\d)\]])(-|minus |negative )(\\?[$€£¥₹])(?=\.?\d)", re.IGNORECASE)
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
    """The text with one character for each sign (minus, division, comparisons, those of LaTeX),
    mixed fractions as fractions, a minus behind the currency, and one sign for per cent."""
    one = _OTHER_FORMS.sub(lambda found: _ONE_FORM.get(found[0], "-"), text)
    if "\\" in one or "{" in one:
        one = _THOUSANDS.sub(",", _LATEX_SYMBOL.sub(lambda found: _LATEX.get(found[1], "%"), one))
    if "分之" in one or "cent" in one.casefold():
        one = _PER_CENT.sub(lambda found: f"{found[1] or ''}%", one)
        one = _CHINESE_FRACTION.sub(r"\2/\1", one)
    one = _SIGNED_MONEY.sub(r"\2\1", one)
    return _MIXED_IN_DIGITS.sub(_improper_digits, one) if "/" in one else one


def _raised(found: re.Match[str]) -> str:
    return "^" + unicodedata.normalize("NFKC", found[0])


def _improper(found: re.Match[str]) -> str:
    part = Fraction(unicodedata.numeric(found[2])).limit_denominator(10)
    return str(int(found[1]) + part)


def _improper_digits(found: re.Match[str]) -> str:
    whole, above, below = (int(each) for each in found.groups())
    return f"{whole * below + above}/{below}" if 0 < above < below else found[0]
