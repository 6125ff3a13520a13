"""Answers that repeat their question: what such a sentence says besides.

asked = "What is the capital of France?"
answer_in("The capital of France is Paris.", asked)                        # "Paris"
answer_in("Paris, a city on the Seine, is the capital of France.", asked)  # "Paris"
answer_in("France's capital city is Paris, also called Paname.", asked)    # "Paris"
answer_in("I love that city.", asked)                                      # None
"""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence

from bestofn.answers.symbols import plain

SHORT = 40
"""Characters, at most, of what stands beside the question, to be the answer of a longer text."""

READ = 1_000
"""Characters of a longer text in which its first sentence ends."""

_SENTENCE = re.compile(r"[.!?](?=\s|$)|[。！？\n]")
_ASIDE = re.compile(
    r"(?:[,，;]\s*(?:which|who|where|as|since|because|also|its|known|located|situated|nestled|named"
    r"|but|while|whereas|although|though|因为|它|但)\b.*|[(（][^()（）]*)$",
    re.IGNORECASE,
)
_BRACKETS = re.compile(r"\s[(（]([^()（）]*)[)）]")
_BY_THE_WAY = re.compile(r"^[A-Z]$|[^\W\d_]{2}")
"""Of what stands in brackets: a symbol, or words. A point, an interval and an argument are none."""
_APPOSITION = re.compile(r"[,，]\s*(?:an?|the)\b", re.IGNORECASE)
_LISTED = re.compile(r"\b(?:and|or)\s+(?:an?|the)\b", re.IGNORECASE)
_COPULA = re.compile(
    r"\b(?:is|are|was|were)(?: called| known as)?\b|=|(?:是|为|叫做|叫)", re.IGNORECASE
)
_UNFINISHED = re.compile(r"[=<>,:(\[|]$")
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


def answer_in(text: str, prompt: str, *, pronouns: bool = True) -> str | None:
    """The part of the first sentence that does not repeat the question, without what is said by
    the way: in brackets, after "which", "also" or "but", or as ", a city on the Seine"; None: it
    does not repeat it.

    A sentence repeats the question when one side of its "is" holds only words of the question (and
    at most one more, behind one of these: the capital *city* of France), and all of those that it
    is about but a third at most, or is "it", and the other side holds none of these. So "The sun is
    bigger" does not repeat "Is the sun or the moon hotter?", to which "the moon is bigger" is
    another answer. Chinese puts no spaces: there a side repeats the question when it stands in it
    as it is.

    Args:
        text: an answer.
        prompt: the question, in whatever length; what is long is repeated by no answer.
        pronouns: whether "it" repeats the question.
    """
    sentence = _SENTENCE.split(plain(text).strip(), maxsplit=1)[0]
    sentence = _without_apposition(_ASIDE.sub("", _BRACKETS.sub(_kept, sentence)))
    found = _COPULA.search(sentence)
    if found is None:
        return None
    for restated, answer in (
        (sentence[: found.start()], sentence[found.end() :]),
        (sentence[found.end() :], sentence[: found.start()]),
    ):
        if _restates(restated, prompt, pronouns=pronouns) and not _is_about(answer, prompt):
            answer = answer.strip()
            return None if _UNFINISHED.search(answer) else answer or None
    return None


def stated_first(text: str, prompt: str) -> str | None:
    """The answer that a longer text begins with, where its first sentence repeats the question and
    says a few words besides; else None.

    stated_first("The capital of France is Paris. It lies ...", asked)     # "Paris"
    """
    answer = answer_in(text[:READ], prompt, pronouns=False)
    return answer if answer is not None and len(answer) <= SHORT else None


def _kept(bracket: re.Match[str]) -> str:
    return "" if _BY_THE_WAY.search(bracket[1]) else bracket[0]


def _without_apposition(sentence: str) -> str:
    """The sentence up to ", a city on the Seine" or ", the city of light"; in ", a cat and a dog"
    it is what is listed."""
    found = _APPOSITION.search(sentence)
    if found is None or _LISTED.search(sentence, found.end()):
        return sentence
    head, rest = sentence[: found.start()], sentence[found.end() :]
    _, comma, after = rest.partition(",")  # "Paris, a city on the Seine, is ..."
    return f"{head} {after}" if comma and _COPULA.match(after.lstrip()) else head


def _restates(part: str, prompt: str, *, pronouns: bool) -> bool:
    part = part.casefold()
    words, asked = _words(part), _asked(prompt)
    content = asked - _FUNCTION
    if words and _PRONOUNS.issuperset(words):
        return pronouns
    if not words or not content:
        return False
    if not part.isascii() and " " not in part.strip():
        return part.strip() in _plain(prompt)
    return len(content.difference(words)) <= len(content) // 3 and _only(words, asked)


def _only(words: Sequence[str], asked: frozenset[str]) -> bool:
    """Whether the words are those of the question, but for one noun behind one of these."""
    others = [at for at, word in enumerate(words) if word not in asked and word not in _FUNCTION]
    if not others:
        return True
    (at, *more) = others
    return not more and at > 0 and words[at - 1] in asked - _FUNCTION


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
