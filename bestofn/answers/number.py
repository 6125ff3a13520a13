r"""Numbers and boxed mathematics: ``\boxed{1,200}``, ``#### 1200``, "it is 1200." are the same."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import ClassVar

from bestofn.answers import symbolic
from bestofn.answers.numbers import LONGEST, found_in, normal
from bestofn.core.types import Candidate, Request
from bestofn.support.thoughts import without_thoughts

_BOX = re.compile(r"\\(?:boxed|fbox)\s*\{")
_FINAL = re.compile(r"####[ \t]*(\S[^\n]*)")
_SAID = re.compile(
    r"(?:\banswers?(?: is| are|:| =)|\bresult(?: is|:| =)|答案(?:是|为|:|：)?|等于)"
    r"[ \t]*[*_$(（]*([-+−]?\.?\d(?:[\d.,/]*\d)?\s?%?)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class NumberKey:
    r"""The final answer of a calculation.

    It is what the last ``\boxed{}`` holds; else what follows the last ``####`` (as in GSM8K); else
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
        text = unicodedata.normalize("NFKC", without_thoughts(candidate.text))
        final = announced(text)
        if final is not None:
            if not final or len(final) > LONGEST:
                return None
            return (symbolic.normal(final) if self.math_verify else None) or normal(final)
        found = found_in(text) if self.bare else []
        return normal(found[-1]) if found else None


def announced(text: str) -> str | None:
    r"""What the last ``\boxed{}`` holds, else what follows the last ``####``, else the number that
    the last "the answer is" announces; None: nothing is announced."""
    boxes = list(_BOX.finditer(text))
    if boxes:
        return _braced(text, boxes[-1].end())
    for pattern in (_FINAL, _SAID):
        if finals := pattern.findall(text):
            return str(finals[-1]).strip()
    return None


def _braced(text: str, start: int) -> str:
    """From `start` to the brace that closes it; to the end where none does."""
    depth = 1
    for at in range(start, len(text)):
        depth += (text[at] == "{") - (text[at] == "}")
        if depth == 0:
            return text[start:at].strip()
    return text[start:].strip()
