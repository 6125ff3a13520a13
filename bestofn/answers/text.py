"""Short answers: by their words, whatever the case and punctuation, or by the number they state."""

from __future__ import annotations

import functools
import re
from collections import Counter
from dataclasses import dataclass
from typing import ClassVar

from bestofn.answers.asks_number import asks_number
from bestofn.answers.number_words import without_asked_scale
from bestofn.answers.numbers import found_in, normal
from bestofn.answers.restated import answer_in
from bestofn.answers.symbols import OPERATORS, plain
from bestofn.core.errors import ConfigError
from bestofn.core.types import Candidate, Request
from bestofn.support.thoughts import without_thoughts

_OUTSIDE = re.compile(
    rf"[^\w+\-*/=<>%^.,#|⟦⟧{OPERATORS}]+|[.,](?!\d)|(?<!\d)[.,]|\*(?!\s*\d)|\*\*|_+|[≈≅]"
    r"|(?<!\w)#+|(?<!\S)\|(?!\S)|^[→⇒] "
)
"""What only dresses an answer: punctuation, quotes, emphasis, currency, pictures. Symbols that say
something stay: C# is not C, and √2 is not 2."""
_AROUND = re.compile(rf"\s*([+*/=<>^|{OPERATORS}])\s*")
_INTERVAL = re.compile(r"([\[(\]])([^\[\](),]{1,40},[^\[\](),]{1,40})([\])\[])")
_ENDS = {"[": "⟦", "]": "⟧", "(": " ", ")": " "}
_OPENING = re.compile(
    r"^(?:(?:so|therefore|thus) )?(?:the )?(?:final |correct )?answer(?: is)? |^答案[是为]?"
)
_LETTER = re.compile(r"[^\W\d_]")
_SAYS_MORE = re.compile(rf"(?![×÷≈≅→⇒])[<>|!#^{OPERATORS}]|[\[(\]][^\[\]()]*,[^\[\]()]*[\])\[]")
"""What a number alone has not, though no letter says so: a comparison, a root, an interval."""
READ = 20_000
"""Characters of the end of a prompt that answers are compared with."""

_ARTICLE = re.compile(r"^(?:the|an?) ")


@dataclass(frozen=True, slots=True)
class TextKey:
    """What a short answer says; a longer one does not vote.

    Where the prompt asks for a number (`bestofn.answers.asks_number`), and an answer states one
    that the prompt does not have, or has less often, it is that number, in whatever words: to
    "5 + 3?", "8", "5 plus 3 is 8." and "It is 8." are the same. The unit is left out there, since
    few answers repeat it: to "How far is it?", "3 km" and "3 miles" are the same too. Of any other
    answer it is the words, without case, punctuation, "The answer is" and a leading article,
    and where it repeats the question, what it says besides: to "What is the capital of France?",
    "Paris." and "The capital of France is Paris." are the same (`bestofn.answers.restated`).

    Args:
        longest: characters of an answer that counts as short.
        numbers: whether a number may stand for the answer; one that is all of an answer is then
            compared as a number.

    Raises:
        ConfigError: `longest` is below 1.
    """

    kind: ClassVar[str] = "text"

    longest: int = 160
    numbers: bool = True

    def __post_init__(self) -> None:
        if self.longest < 1:
            raise ConfigError(f"answer key text: longest is {self.longest}; it must be at least 1")

    def key(self, request: Request, candidate: Candidate) -> str | None:
        """See `bestofn.core.protocols.AnswerKey`."""
        text = without_thoughts(candidate.text)
        if not text or len(text) > self.longest:
            return None
        return _said(text, request.last_user_text[-READ:], numbers=self.numbers)


@functools.lru_cache(maxsize=256)
def _said(text: str, prompt: str, *, numbers: bool) -> str | None:
    """What a short answer says to the prompt. Kept, since it is asked for once to find the kind of
    key that suits all answers and once to vote, and many answers are the same."""
    text = without_asked_scale(plain(text), prompt)
    if numbers and asks_number(prompt) and (number := _new_number(text, prompt)) is not None:
        return number
    said = answer_in(text, prompt) or text
    if not numbers and not _LETTER.search(said):
        said = text
    words = _words(said)
    return (_number_alone(words) if numbers else None) or words or None


def _words(text: str) -> str:
    text = _OUTSIDE.sub(" ", _INTERVAL.sub(_ends, text.casefold())).strip()
    words = " ".join(_AROUND.sub(r"\1", text).split())
    return _ARTICLE.sub("", _OPENING.sub("", words))


def _ends(found: re.Match[str]) -> str:
    """Whether an interval holds its ends is all that tells [0, 1) from (0, 1]."""
    return f"{_ENDS[found[1]]}{found[2]}{_ENDS[found[3]]}"


def _new_number(text: str, prompt: str) -> str | None:
    """The one number that a text states and its prompt does not; None: none, or several."""
    if (alone := _number_alone(text)) is not None:
        return alone
    if _INTERVAL.search(text):
        return None
    new = Counter(normal(each) for each in found_in(text)) - Counter(_numbers_of(prompt))
    return next(iter(new)) if len(new) == 1 else None


def _number_alone(text: str) -> str | None:
    """The number that is all that a text states; None: it has words, or several numbers."""
    found = () if _LETTER.search(text) or _SAYS_MORE.search(text) else found_in(text)
    return normal(found[0]) if len(found) == 1 else None


@functools.lru_cache(maxsize=64)
def _numbers_of(prompt: str) -> tuple[str, ...]:
    """The numbers of a prompt, which every candidate asks for."""
    return tuple(normal(each) for each in found_in(plain(prompt)))
