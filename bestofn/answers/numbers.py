r"""Numbers in texts: where they stand, and their normal form as exact fractions.

found_in("2 shirts at $1,200.50 or 50%")    # ["2", "1,200.50", "50%"]
found_in("it is minus 8 million")           # ["minus 8 million"]
found_in("x ≥ 3 or 2√2")                    # ["≥ 3", "2√2"]
normal(r"\frac{6}{4}")                      # "3/2"
"""

from __future__ import annotations

import functools
import re
from fractions import Fraction

from bestofn.answers.number_words import MINUS, SCALE, in_digits
from bestofn.answers.symbols import one_form
from bestofn.answers.units import without_unit

LONGEST = 200
"""Characters of a final answer: what is longer is no answer but a derivation."""

_DIGITS = r"(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?|\.\d+"
_BEFORE = (
    r"(?<![\d)\]]\s)(?<![\d)\]])(?:(?:(?<=[ \t])|(?<=\b[A-Za-z]))>(?<!<\w>)(?<!/\w>)"
    r"|[<≤≥≠±])\s?"
    r"|(?<![A-Za-z0-9_.^])(?<!\^\{)(?<!\^-)(?<!\^\{-)"
)
"""What makes another answer of a number: it is compared ("x > 3"), has two signs, or its root is
taken. An exponent is none, of a unit (m^2) or of another number. "5 > 3" is a remark, "> 3" at the
start of a line a quotation, "=> 3" an arrow, "<b>3" a tag."""

_INSIDE = r"\{(?:[^{}\n]|\{[^{}\n]{0,40}\}){1,40}\}"
_FRACTION_TEXT = rf"\\[dt]?frac(?:{_INSIDE}{_INSIDE}|\d\d)"
_ROOT_TEXT = rf"(?:√\s?\d{{1,9}}|\\sqrt(?:{_INSIDE}|\d))"
_TIMES = r"(?:×|·|\\times|\\cdot|\*)"
NUMBER = (
    rf"(?:(?:\d{{0,9}}(?:{_FRACTION_TEXT}|{_ROOT_TEXT}))"
    rf"|(?:{_DIGITS})(?:\^[{{(]?-?\d{{1,9}}[}})]?|\s?/\s?\d+)?"
    rf"(?:[eE][-+]?\d{{1,3}}(?![\w.])|\s?(?:{_TIMES}|x)\s?10\^[{{(]?[-+]?\d{{1,3}}[}})]?)?"
    rf"(?:\s?{_TIMES}?\s?(?:π|\\?pi\b))?)"
)
"""A number without its sign: ``2\\frac{1}{2}``, ``2√3``, ``10^6``, ``3/4``, ``3.2e5``,
``3.2 × 10^5``, ``2π``."""

_AFTER_VERB = "|".join(
    rf"(?<=\b{verb} )" for verb in ("is", "be", "are", "equals", "gives", "gets")
)
_IN_TEXT = re.compile(
    rf"(?:{_BEFORE})(?:(?<![\d)\]]\s)(?<![\d)\]])[-+]"
    r"|(?<!\d )(?i:negative )"
    rf"|(?:^|{_AFTER_VERB}|(?<=[=:*$(] )|(?<=[=:*$(])|(?=负)(?<![正胜])){MINUS})?"
    rf"{NUMBER}(?:\s?%(?!\d)|\s?{SCALE}|(?!\d))",
    re.MULTILINE,
)
"""A number of a text; a sign belongs to it where no number or bracket stands before, and the word
"minus" where an answer begins ("10 apples minus 3 apples" takes away). Chinese runs on into
numbers, Latin letters do not: v2 is none."""
_WHOLE = re.compile(
    rf"(?P<value>[-+]?(?:{_DIGITS})(?:[eE][-+]?\d{{1,3}})?)"
    r"(?:/(?P<below>[-+]?\d+(?:\.\d+)?)(?:e(?P<times>\d{1,2}))?)?"
    r"(?P<percent>%)?"
)
_TEN_TO = re.compile(r"(?:^|\\times|\\cdot|×|·|\*|(?<=\d)x)10\^[{(]?([-+]?\d{1,3})[})]?$")
_POWER = re.compile(r"(-?)(\d{1,9})\^[{(]?(-?\d{1,2})[})]?")
_MIXED = re.compile(r"(?<![\d.])(-?)(\d+)\\frac\{?(\d+)\}?\{?(\d+)\}?")
_FRACTION = re.compile(r"\\frac\{?(-?\d+)\}?\{?(\d+)\}?")
_SHORT_FRACTION = re.compile(r"\\frac(\d)(\d)")
_DRESSING = re.compile(
    r"\\(?:left|right|displaystyle|boldsymbol|mathbf|mathrm|textbf)(?![A-Za-z])"
    r"|\\[,;:! $]|[\s$~€£¥]|\^?\\circ|\^\{\\circ\}|°"
)
_UNIT = re.compile(r"\\(?:text|mathrm|mbox|textrm)\{([^{}]*)\}")
_SYMBOLS = re.compile(r"\\sqrt(?:\{(\d+)\}|(\d))|×|·|\\(?:times|cdot)(?![A-Za-z])")
_LIST = re.compile(r"\d,(?:\s|\\[,;: ])+\d")
_NAME = re.compile(r"^[A-Za-z](?:_\{?\w+\}?)?(?:\([a-z]\))?=(?=.)")
_LONE_BRACES = re.compile(r"([\^_])\{(\w)\}")


def found_in(text: str) -> list[str]:
    """Every number of `text` as it is written, in order; linear in the text's length."""
    return _IN_TEXT.findall(one_form(text))


@functools.lru_cache(maxsize=8192)
def normal(text: str) -> str:
    r"""The normal form of a final answer: a number as an exact fraction (``1,200.0`` is ``1200``,
    ``\frac12``, ``0.5`` and ``50%`` are ``1/2``), with a unit in ``\text{}`` left out; anything
    else without spaces and without what only dresses it. Remembered, since the answers to one
    prompt hold the same few numbers, and rules look at them whenever a candidate comes.
    """
    written = _written(text)
    number = _number(written)
    if number is not None:
        return number
    return _LONE_BRACES.sub(r"\1\2", _UNIT.sub(r"\1", _bare(written))).casefold()


def exact(text: str) -> str | None:
    """The number that a final answer is, as `normal` has it; None: it is none."""
    return _number(_written(text))


def _written(text: str) -> str:
    """A final answer with its words and signs in one form, without the full stop behind it."""
    return in_digits(one_form(text).strip().rstrip(".。"))


def _number(written: str) -> str | None:
    if _LIST.search(written):  # it would be one number without its spaces
        return None
    unitless = _bare(without_unit(written)).strip("{}")
    value = _value(_MIXED.sub(_mixed, unitless)) if len(unitless) <= LONGEST else None
    return None if value is None else str(value)


def _bare(written: str) -> str:
    """Without spaces and what only dresses it."""
    bare = _DRESSING.sub("", written.replace(r"\dfrac", r"\frac").replace(r"\tfrac", r"\frac"))
    bare = _SYMBOLS.sub(_symbol, bare)
    return _NAME.sub("", bare.replace(r"\%", "%"))


def _symbol(found: re.Match[str]) -> str:
    root = found[1] or found[2]
    return "*" if root is None else f"√{root}"


def _value(text: str) -> Fraction | None:
    """The number that `text` is; None: it is none. Exponents have three digits at most, since a
    number with more has more digits than a machine has memory."""
    text = _FRACTION.sub(r"\1/\2", _SHORT_FRACTION.sub(r"\1/\2", text))
    scale = _TEN_TO.search(text)
    found = _WHOLE.fullmatch(text if scale is None else text[: scale.start()] or "1")
    if found is None:
        return _power(text)
    value = Fraction(found["value"].replace(",", ""))
    if found["below"] is not None:
        below = Fraction(found["below"])
        if found["times"] is not None:
            value *= Fraction(10) ** int(found["times"])
        if not below:
            return None
        value /= below
    if scale is not None:
        value *= Fraction(10) ** int(scale[1])
    return value / 100 if found["percent"] else value


def _power(text: str) -> Fraction | None:
    """The number that a power of an integer is; None: it is none, or more than can be held well."""
    found = _POWER.fullmatch(text)
    if found is None or (base := Fraction(found[2])) == 0:
        return None
    power = base ** int(found[3])
    return -power if found[1] else power


def _mixed(found: re.Match[str]) -> str:
    sign, whole, above, below = found.groups()
    return f"{sign}{int(whole) * int(below) + int(above)}/{below}"
