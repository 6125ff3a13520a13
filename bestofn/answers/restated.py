"""Answers that repeat their question: what such a sentence says besides.

asked = "What is the capital of France?"
answer_in("The capital of France is Paris.", asked)          # "Paris"
answer_in("France's capital is Paris.", asked)               # "Paris"
answer_in("I love that city.", asked)                        # None
"""

from __future__ import annotations

import functools
import re

from bestofn.answers.symbols import plain

_SENTENCE = re.compile(r"[.!?](?=\s|$)|[。！？\n]")
_ASIDE = re.compile(
    r"[,，]\s*(?:which|who|where|as|since|because|因为|它)\b.*$"
    r"|(?<![A-Za-z0-9])[(（][^()（）]*(?:[^\W\d_]{3}|[\u3040-\u9fff]{2})[^()（）]*(?:[)）]|$)",
    re.IGNORECASE,
)
"""What is said by the way: after "which", and words in brackets. What brackets hold else is the
answer, or a part of it: O(n log n), (2, 3), (A), 8 (pm)."""
_COPULA = re.compile(
    r"\b(?:is|are|was|were)(?: called| known as)?\b|=|(?:是|为|叫做|叫)", re.IGNORECASE
)
_WORD = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")
_POSSESSIVE = re.compile(r"['’]s$")
_FUNCTION = frozenset(
    re.findall(
        r"\w+",
        "the a an of in on at to for from with by and it its this that what which who whom whose "
        "where when how is are was were be do does did called known as answer name",
    )
)
"""Words that no question is about."""
_PRONOUNS = frozenset({"it", "this", "that"})


def answer_in(text: str, prompt: str) -> str | None:
    """The part of the first sentence that does not repeat the question, without words in brackets
    and what stands after "which"; None: it does not repeat it.

    A sentence repeats the question when one side of its "is" holds only words of the question, and
    all of those that it is about but a third at most, or is "it", and the other side holds none of
    these. So "The sun is bigger" does not repeat "Is the sun or the moon hotter?", to which "the
    moon is bigger" is another answer. Chinese puts no spaces: there a side repeats the question
    when it stands in it as it is.

    Args:
        text: an answer.
        prompt: the question, in whatever length; what is long is repeated by no answer.
    """
    sentence = _SENTENCE.split(plain(text).strip(), maxsplit=1)[0]
    sentence = _ASIDE.sub("", sentence)
    found = _COPULA.search(sentence)
    if found is None:
        return None
    for restated, answer in (
        (sentence[: found.start()], sentence[found.end() :]),
        (sentence[found.end() :], sentence[: found.start()]),
    ):
        if _restates(restated, prompt) and not _is_about(answer, prompt):
            words = _words(answer.casefold())
            return None if words and _FUNCTION.issuperset(words) else answer.strip() or None
    return None


def _restates(part: str, prompt: str) -> bool:
    part = part.casefold()
    words, asked = frozenset(_words(part)), _asked(prompt)
    content = asked - _FUNCTION
    if words and words <= _PRONOUNS:
        return True
    if not words or not content:
        return False
    if not part.isascii() and " " not in part.strip():
        return part.strip() in _plain(prompt)
    return words <= asked | _FUNCTION and len(content - words) <= len(content) // 3


def _is_about(part: str, prompt: str) -> bool:
    return not _asked(prompt).isdisjoint(frozenset(_words(part.casefold())) - _FUNCTION)


def _words(text: str) -> list[str]:
    """Its words, "France's" as "France"."""
    return [_POSSESSIVE.sub("", each) for each in _WORD.findall(text)]


@functools.lru_cache(maxsize=64)
def _asked(prompt: str) -> frozenset[str]:
    return frozenset(_words(_plain(prompt)))


def _plain(text: str) -> str:
    return plain(text).casefold()
