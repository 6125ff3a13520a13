r"""The final answer that a text announces: boxed, behind ``####``, or behind "the answer is".

announced(r"so it is \boxed{3}.")                # "3"
announced("1 + 2 = 3\n#### 3")                   # "3"
announced("The answer is **8.4** million.")      # "8.4 million"
announced("The answer is $x = 2\\sqrt{3}$.")     # "2\\sqrt{3}"
announced("It is 3.")                            # None
"""

from __future__ import annotations

import re

from bestofn.answers.number_words import SCALE
from bestofn.answers.numbers import exact
from bestofn.answers.values import VALUE, value_of
from bestofn.support.kept import kept

_BOX = re.compile(r"\\(?:boxed|fbox)\s*\{")
_SURELY = (
    r"(?:therefore|thus|hence|clearly|indeed|simply|definitely|probably|(?:most )?likely"
    r"|exactly|only|approximately|about|around|roughly|nearly|almost|equal to)"
)
IS = (
    r"(?: to (?:this|the) (?:question|problem))?[*_`\"]{0,3}(?:[ \t]{0,2}"
    rf"(?:\b(?:is|are|(?:must|should|would|will) be)\b(?:,? {_SURELY}\b,?)?|=|是|为)[ \t]?[:：]?"
    rf"|[ \t]?[:：])(?:[*_ \t]{{0,4}}{_SURELY}\b)?"
)
"""What stands between "the answer" and its value: "is", "must be", a colon, or "is:"."""

_MARKUP = r"(?:[ \t*_`$€£¥₹≈~]|US\$|Rs\.? ?|\\\$|\\approx\b|\\[(\[]|(?<=\$\$)\n|(?<=\\\[)\n)*+"
"""What may stand before a value: emphasis, a code span, the beginning of a formula, a currency."""
_NEXT_LINE = (
    r"\s{1,4}(?=\$|\\[(\[])"
    r"|[*_]{0,2}[ \t]{0,2}\n{1,2}(?=[*_]{0,2}[-+]?[$€£¥]?\d+(?:[.,/]\d+)*+%?(?![):、\d]|\.[ \t])"
    r"[^\n]{0,30}$)"
)
"""The next line counts where a formula stands there, or little but a number that does not begin a
list."""

_MARKED = re.compile(
    r"(?<!#)####[ \t]*+([-+−$£€¥]{0,2}\.?\d[\d.,/]*+[ \t]?%?)[ \t\r*]*+$", re.MULTILINE
)
_MARKED_LAST = re.compile(
    r"(?<!#)####[ \t]*+((?![^\W\d_]{2})(?!\d+[.):：、][ \t])(?!#)\S[^\n]{0,39})$"
)
"""The second has what no heading has: it does not begin with a word, or with a number of a list."""

_SCALE_BEHIND = re.compile(rf"\}}\s?\$?\s?(\\?%|{SCALE})")
"""What multiplies the number in a box that ends before it."""

_SAID = re.compile(
    rf"(?:\b(?:answers?|result){IS}|答案[*_]{{0,2}}(?:应该?|就|即|大?约)?(?:是|为)?[:：]?[*_]{{0,2}}|等于"
    rf"|结果(?:应该?|就|即|大?约)?(?:是|为|[:：]))(?:大?约|大概)?"
    rf"(?:{_NEXT_LINE})?{_MARKUP}"
    rf"{VALUE}",
    re.IGNORECASE | re.MULTILINE,
)


@kept
def announced(text: str) -> str | None:
    r"""What the last ``\boxed{}`` holds, else what the last ``####`` marks, else the value that
    the last "the answer is" announces; None: nothing is announced."""
    boxes = list(_BOX.finditer(text))
    if boxes:
        inside = _braced(text, boxes[-1].end())
        behind = _SCALE_BEHIND.match(text, boxes[-1].end() + len(inside))
        value = inside.strip()
        return value if behind is None or exact(value) is None else f"{value} {behind[1]}"
    final = marked(text)
    if final is None:
        for found in _SAID.finditer(text):
            final = value_of(found)
    return final


@kept
def marked(text: str) -> str | None:
    """What the last ``####`` marks as the answer: a number alone on the rest of its line, or on the
    last line anything short. A Markdown heading of the same depth is none."""
    last = text.rstrip().rpartition("\n")[2]
    if (found := _MARKED_LAST.search(last)) is not None:
        return found[1].strip(" \t*")
    numbers = _MARKED.findall(text)
    return str(numbers[-1]).strip() if numbers else None


def _braced(text: str, start: int) -> str:
    """From `start` to the brace that closes it; to the end where none does."""
    depth = 1
    for at in range(start, len(text)):
        depth += (text[at] == "{") - (text[at] == "}")
        if depth == 0:
            return text[start:at]
    return text[start:]
