r"""Values as they stand behind "the answer is", read to their end.

A formula                    $x = 2\sqrt{3}$              2\sqrt{3}
several in brackets          (3, 4), [0, ∞)               as written
parts with their units       5 hours and 30 minutes       5 hours 30 minutes
a calculation                5 * 3 = 15                   15
a number, with its scale     8.4 million, 10^6, $5        8.4 million, 10^6, 5
what goes on behind one      3 or 5, 5x + 3, √3/2         as written
"""

from __future__ import annotations

import re

from bestofn.answers.number_words import MINUS, SCALE
from bestofn.answers.numbers import NUMBER, exact

_FORMULA = (
    r"(?:(?<=\$)(?![^$\n]*[^\\a-zA-Z{$][A-Za-z]{2})"
    r"(?P<dollars>(?!\s)(?:\\.|[^$\n\\]){1,120}(?<![\s(\[=+*/~×÷<>≈:\"'-]))\$"
    r"|(?<=\\\()\s?(?P<round>[^\n]{1,120}?)\s?\\\)"
    r"|(?<=\\\[)\s?(?P<square>[^\n]{1,120}?)\s?\\\])"
)
"""Words are in none between dollars, and none ends in an open bracket or a sign: "$5 or $6" and
"$8 ($5 + $3)" are prices."""

_SEVERAL = (
    r"(?P<several>(?:[(（\[]|\\?\{)[-+\d.\s/√π∞]{0,30},(?!\d{3}(?!\d))[-+\d.,\s/√π∞]{1,30}"
    r"(?:[)）\]]|\\?\}))"
)
_PART = (
    r"\d[\d.,]{0,9}\s?(?:years?|months?|weeks?|days?|hours?|hrs?|minutes?|mins?|seconds?"
    r"|feet|foot|ft|inches|pounds?|dollars?|cents?)"
)
_COMPOUND = rf"(?P<compound>{_PART},?\s(?:and\s)?{_PART}\b)"
_CALCULATION = (
    r"(?:(?=[\d\s.,()$€£¥]{1,40}[*×÷+/\\-]|[\d.,]{1,12}\)?\s?\(\d|\([\d.,]{1,12}\)\s?[\d(])"
    r"[\d(](?:[\d\s.,*×÷+/()$€£¥-]|\\times|\\div|\\cdot){0,60}=[\s*$€£¥]{0,3}){0,4}+"
)
"""What is computed stands before its "=", as do 2(4) and (2)(4): of "8 = 5 + 3" the 8 is the
value."""

_GOES_ON = "|".join(
    (
        r"[\^√!:.,]?\d|[\^√]|\\(?:sqrt|[dt]?frac|pi\b)",  # 3:45, 2^n, 2√x
        r"[a-z]\s?[-+*]\s?\w|[inxyz](?![A-Za-z])",  # 5x + 3, 3x, 4i
        r"\s?[-+±]\s?\d{0,9}(?:[a-z]\b|√|\\sqrt)",  # 3 + 4i, 2 + √3
        r"[-–]\d|\s?±\s?\d|\s:\s\d|\s?[或到至和与]\s?\d",  # 3-5, 5 ± 2, 3 : 2, 3或5
        r"(?:(?<=[π}])|(?<=√\d)|(?<=√\d\d))\s?[-+]\s?\d",  # √2 + 1
        r"\s?(?:[/×·÷]|\*(?!\*)|\\times|\\cdot|\\div)\s?[\d√π\\(]",  # √3/2, 2^3 * 5
        r"\s(?:or|to|and)\s[$€£¥]?-?\d[\d.,]{0,12}(?=\s*(?:[.。;)*$\n]|$))",  # 3 or 5.
        r"\s?[百千万亿]\d",  # 5万3千
    )
)
"""What makes something else of the number before it."""

_WRITTEN = (
    r"(?:\.?\d|√|\\sqrt)[^\s,;。，$*`]{0,40}(?<![.:!])"
    r"(?:(?:\s?(?:[-–+±*×·÷/:]|\\times|\\cdot|\\div)\s?|\s(?:or|to|and)\s[$€£¥]?)"
    r"[^\s,;。，$*`]{1,20}(?<![.:!])){0,6}"
)

VALUE = (
    rf"(?:{_FORMULA}|{_SEVERAL}|(?:[ \t*_`$€£¥(（]|\\[(\[])*+(?:{_COMPOUND}|{_CALCULATION}"
    rf"(?:(?P<number>(?>(?:[<>≤≥≠±]\s?)?(?:[-+−]|{MINUS})?{NUMBER}))(?!{_GOES_ON})"
    rf"|(?P<written>{_WRITTEN}))))"
    rf"(?:(?:\*\*|[$`_*])?\s?(?P<scale>\\?%|\\text\{{\s?{SCALE}\s?\}}|{SCALE}))?"
)
"""A pattern, for case not to count: what `value_of` takes the value from. What opens a formula
stands before it."""

_EQUALS = re.compile(r"(?<![<>!])=|\\approx\b|≈")


def value_of(found: re.Match[str]) -> str:
    """The value that `VALUE` found, of a formula what stands behind its last sign of equality."""
    whole = found["several"] or found["compound"]
    if whole is not None:
        return re.sub(r"\band ", "", whole)
    formula = found["dollars"] or found["round"] or found["square"]
    if formula is not None:
        value = _EQUALS.split(formula)[-1].strip()
        if found["scale"] is None or exact(value) is None:
            return value
    else:
        value = (found["number"] or found["written"]).strip()
    return f"{value} {found['scale']}" if found["scale"] is not None else value
