r"""The unit behind the number of a final answer, which few answers repeat.

without_unit(r"30 \text{ cm}^2")            # "30"
without_unit("5 dollars")                   # "5"
without_unit(r"3 \text{ or } 5")            # r"3 \text{ or } 5": no unit
without_unit("3xy")                         # "3xy"
"""

from __future__ import annotations

import re

_RAISED = r"(?:\s?\^\{?-?\d\}?)?"
_IN_LATEX = (
    rf"\\(?:text|mathrm|mbox|textrm|operatorname)\{{[^{{}}\d]{{0,40}}\}}{_RAISED}"
    r"|\^\{?\\(?:text|mathrm)\{[^{}\d]{0,10}\}\}?"
)
_NO_UNIT = (
    r"(?!(?:pi|sqrt|or|and|to|mod|times|sin|cos|tan|log|ln|squared|cubed|factorial|dozen|hundred"
    r"|halves|thirds|quarters|fifths|[abcxyz]{2,3})\b)"
)
"""What multiplies a number, or goes on with it; letters are variables."""
_WORD = rf"{_NO_UNIT}[A-Za-zµ]{{2,20}}"
_IN_WORDS = (
    rf"(?:\s?{_WORD}(?:\s?/\s?[A-Za-z]{{1,12}})?{_RAISED}|\s[mgshLNJWVAKCF](?:/[A-Za-z]{{1,4}})?{_RAISED}"
    r"|(?:\^\{?\\circ\}?|°)\s?[CFK]|\s?[\u4e00-\u9fff]{1,4})"
)
_UNIT = re.compile(
    rf"(?<=[\d}}π°])(?:(?:[\s~/]|\\[,;:! ])*(?:{_IN_LATEX}))+$"
    rf"|(?<=[\dπ])(?:~|\\[,;:! ])?{_IN_WORDS}(?:\s(?:per|of|a|an)?\s?{_WORD}){{0,3}}$"
)


def without_unit(text: str) -> str:
    """A value without the unit at its end, raised or not; what stands between numbers stays."""
    return _UNIT.sub("", text)
