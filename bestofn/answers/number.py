r"""Numbers and boxed mathematics: ``\boxed{1,200}``, ``#### 1200``, "it is 1200." are the same."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar

from bestofn.answers import symbolic
from bestofn.answers.number_words import MINUS, SCALE, without_asked_scale
from bestofn.answers.numbers import LONGEST, exact, found_in, normal
from bestofn.answers.symbols import plain
from bestofn.core.types import Candidate, Request
from bestofn.support.kept import kept
from bestofn.support.thoughts import without_thoughts

_BOX = re.compile(r"\\(?:boxed|fbox)\s*\{")
_SURELY = r"(?:therefore|thus|hence|clearly|indeed|simply|definitely|probably|(?:most )?likely)"
IS = (
    r"(?: to (?:this|the) (?:question|problem))?[*_`\"]{0,3}(?:[ \t]{0,2}"
    rf"(?:\b(?:is|are|(?:must|should|would|will) be)\b(?:,? {_SURELY}\b,?)?|=|是|为)[ \t]?[:：]?"
    r"|[ \t]?[:：])"
)
"""What stands between "the answer" and its value: "is", "must be", a colon, or "is:"."""

MARKUP = r"(?:[ \t*_`$(（]|\\[(\[]|(?<=\$\$)\n|(?<=\\\[)\n)*+"
"""What may stand before a value: emphasis, a code span, the beginning of a formula, a bracket."""

_MARKED = re.compile(
    r"(?<!#)####[ \t]*+([-+−$£€¥]{0,2}\.?\d[\d.,/]*+[ \t]?%?)[ \t\r*]*+$", re.MULTILINE
)
_MARKED_LAST = re.compile(
    r"(?<!#)####[ \t]*+((?![^\W\d_]{2})(?!\d+[.):：、][ \t])(?!#)\S[^\n]{0,39})$"
)
"""The second has what no heading has: it does not begin with a word, or with a number of a list."""

_SAID = re.compile(
    rf"(?:\b(?:answers?|result){IS}|答案(?:应该?)?(?:是|为)?[:：]?|等于)"
    rf"(?:\s{{1,4}}(?=\$|\\[(\[]))?{MARKUP}((?:[-+−]|{MINUS})?\.?\d(?:[\d.,/]*\d)?(?:\s?\\?%|\s?{SCALE})?)",
    re.IGNORECASE,
)
"""The next line counts where a formula stands there: a digit may number the first of a list."""


@dataclass(frozen=True, slots=True)
class NumberKey:
    r"""The final answer of a calculation.

    It is what the last ``\boxed{}`` holds; else what the last ``####`` marks (as in GSM8K); else
    the number of the last "the answer is"; else the last number. Numbers are exact: ``0.5``,
    ``1/2``, ``\frac12`` and ``50%`` are the same, and so are ``1,200`` and ``1200.0``. Other
    mathematics is compared as it is written, without spaces and what only dresses it.

    Args:
        bare: whether the last number counts where nothing is boxed or announced.
        math_verify: whether mathematics that is no number is read by math-verify, so that
            ``\frac{1}{\sqrt2}`` and ``\frac{\sqrt2}{2}`` are the same. It takes some milliseconds
            an answer and, once, a second or two to load.

    Raises:
        ConfigError: math-verify is asked for and not installed.
    """

    kind: ClassVar[str] = "number"

    bare: bool = True
    math_verify: bool = False

    def __post_init__(self) -> None:
        if self.math_verify:
            symbolic.check_installed()

    def key(self, request: Request, candidate: Candidate) -> str | None:
        """See `bestofn.core.protocols.AnswerKey`."""
        text = without_asked_scale(without_thoughts(candidate.text), request.last_user_text)
        final, last = _results(text)
        if final is not None:
            if not final or len(final) > LONGEST:
                return None
            read = symbolic.normal(final) if self.math_verify and exact(final) is None else None
            return read or normal(final)
        return normal(last) if self.bare and last is not None else None


@kept
def _results(text: str) -> tuple[str | None, str | None]:
    """What a text announces, else its last number. Kept, since rules ask again whenever another
    candidate comes."""
    text = plain(text)
    final = announced(text)
    return final, None if final is not None else next(reversed(found_in(text)), None)


@kept
def announced(text: str) -> str | None:
    r"""What the last ``\boxed{}`` holds, else what the last ``####`` marks, else the number that
    the last "the answer is" announces; None: nothing is announced."""
    boxes = list(_BOX.finditer(text))
    if boxes:
        return _braced(text, boxes[-1].end())
    final = marked(text)
    if final is None and (said := _SAID.findall(text)):
        return str(said[-1]).strip()
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
            return text[start:at].strip()
    return text[start:].strip()
