r"""Numbers in texts: where they stand, and their normal form as exact fractions.

found_in("2 shirts at $1,200.50 or 50%")    # ["2", "1,200.50", "50%"]
normal(r"\frac{6}{4}")                      # "3/2"
"""

from __future__ import annotations

import functools
import re
from fractions import Fraction

LONGEST = 200
"""Characters of a final answer: what is longer is no answer but a derivation."""

_DIGITS = r"(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?|\.\d+"
_IN_TEXT = re.compile(
    rf"(?<![A-Za-z0-9_.])(?:(?<![\d)\]]\s)(?<![\d)\]])[-+])?(?:{_DIGITS})"
    r"(?:\s?/\s?\d+)?(?:\s?%)?(?![\d])"
)
"""A number of a text; a sign belongs to it where no number or bracket stands before. Chinese runs
on into numbers, Latin letters do not: v2 is none."""
_WHOLE = re.compile(
    rf"(?P<value>[-+]?(?:{_DIGITS})(?:[eE][-+]?\d{{1,3}})?)(?:/(?P<below>[-+]?\d+(?:\.\d+)?))?"
    r"(?P<percent>%)?"
)
_TEN_TO = re.compile(r"(?:\\times|\\cdot|×|\*)10\^\{?([-+]?\d{1,3})\}?$")
_MIXED = re.compile(r"(?<![\d.])(-?)(\d+)\\frac\{?(\d+)\}?\{?(\d+)\}?")
_FRACTION = re.compile(r"\\frac\{?(-?\d+)\}?\{?(\d+)\}?")
_SHORT_FRACTION = re.compile(r"\\frac(\d)(\d)")
_DRESSING = re.compile(
    r"\\(?:left|right|displaystyle|boldsymbol|mathbf|mathrm|textbf)(?![A-Za-z])"
    r"|\\[,;:! $]|[\s$~€£¥]|\^?\\circ|\^\{\\circ\}|°"
)
_UNIT = re.compile(r"\\(?:text|mathrm|mbox|textrm)\{([^{}]*)\}")
_NAME = re.compile(r"^[A-Za-z](?:_\{?\w+\}?)?(?:\([a-z]\))?=(?=.)")
_LONE_BRACES = re.compile(r"([\^_])\{(\w)\}")


def found_in(text: str) -> list[str]:
    """Every number of `text` as it is written, in order; linear in the text's length."""
    return _IN_TEXT.findall(_ascii(text))


@functools.lru_cache(maxsize=8192)
def normal(text: str) -> str:
    r"""The normal form of a final answer: a number as an exact fraction (``1,200.0`` is ``1200``,
    ``\frac12``, ``0.5`` and ``50%`` are ``1/2``), with a unit in ``\text{}`` left out; anything
    else without spaces and without what only dresses it. Remembered, since the answers to one
    prompt hold the same few numbers, and rules look at them whenever a candidate comes.
    """
    plain = _ascii(text).strip().rstrip(".。")
    bare = _DRESSING.sub("", plain.replace(r"\dfrac", r"\frac").replace(r"\tfrac", r"\frac"))
    bare = _NAME.sub("", bare.replace(r"\%", "%"))
    unitless = _UNIT.sub("", bare).strip("{}")
    value = _value(_MIXED.sub(_mixed, unitless)) if len(unitless) <= LONGEST else None
    if value is not None:
        return str(value)
    return _LONE_BRACES.sub(r"\1\2", _UNIT.sub(r"\1", bare)).casefold()


def _value(text: str) -> Fraction | None:
    """The number that `text` is; None: it is none. Exponents have three digits at most, since a
    number with more has more digits than a machine has memory."""
    text = _FRACTION.sub(r"\1/\2", _SHORT_FRACTION.sub(r"\1/\2", text))
    scale = _TEN_TO.search(text)
    found = _WHOLE.fullmatch(text if scale is None else text[: scale.start()])
    if found is None:
        return None
    value = Fraction(found["value"].replace(",", ""))
    if found["below"] is not None:
        below = Fraction(found["below"])
        if not below:
            return None
        value /= below
    if scale is not None:
        value *= Fraction(10) ** int(scale[1])
    return value / 100 if found["percent"] else value


def _mixed(found: re.Match[str]) -> str:
    sign, whole, above, below = found.groups()
    return f"{sign}{int(whole) * int(below) + int(above)}/{below}"


def _ascii(text: str) -> str:
    return text.replace("−", "-").replace("–", "-").replace("⁄", "/")
