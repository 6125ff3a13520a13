r"""Numbers and boxed mathematics: ``\boxed{1,200}``, ``#### 1200``, "it is 1200." are the same."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from bestofn.answers import symbolic
from bestofn.answers.announced import announced
from bestofn.answers.number_words import without_asked_scale
from bestofn.answers.numbers import LONGEST, exact, found_in, normal
from bestofn.answers.symbols import plain
from bestofn.core.types import Candidate, Request
from bestofn.support.kept import kept
from bestofn.support.thoughts import without_thoughts


@dataclass(frozen=True, slots=True)
class NumberKey:
    r"""The final answer of a calculation.

    It is what the last ``\boxed{}`` holds; else what the last ``####`` marks (as in GSM8K); else
    the value behind the last "the answer is"; else the last number. Numbers are exact: ``0.5``,
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
