"""Choice letters: which of the options that the prompt lists an answer takes."""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from typing import ClassVar

from bestofn.answers.announced import IS, announced
from bestofn.core.types import Candidate, Request
from bestofn.support.kept import kept
from bestofn.support.thoughts import without_thoughts

_OPTION = re.compile(
    r"(?:^|[\n;；])[ \t]*(?:[-*][ \t]*)?\**[(（]?([A-Z])(?:[)）.．:：、]|\*\*)[ \t]*\S"
)
_INLINE = re.compile(r"(?<![A-Za-z])[(（]?([A-Z])[)）][ \t]*\S")
_TO = r"(?:[\s*_`$\"'“‘(（\[{]|\\(?:text(?:bf)?|mathrm|mathbf)?)*+"
"""What may stand before a letter: as before a number, and a line's end."""
_ONE = (
    rf"{_TO}(?:(?i:the )?(?i:option|choice|answer|letter)\b{_TO}|选项)?([A-Z])(?![A-Za-z'’])"
    r"(?!\s?(?:(?i:or|and)\b|[&/、和或与])\s?(?:(?i:option|choice|answer) )?[A-Z](?![A-Za-z]))"
    r"(?!\s?[,，]\s?[A-Z]\s?(?:[,，、&.。]|(?i:or|and)\b|$))"
)
"""A letter, and not the first of several."""
_KEPT = (
    r"(?![)）.*_\"'`]{0,3}\s?(?i:(?:is|are|was|does|do|has|can|could|would)(?:n['’]t|not| "
    r"(?:\w{1,12} )?not)\b|(?:is|are|was) (?:\w{1,12} )?(?:wrong|incorrect|false|out)\b|是?[错不]))"
)
"""What follows does not reject it."""

_DENIED = re.compile(
    r"(?:\b(?i:not|never|cannot|none of)|(?i:n['’]t)|[不没][会要能可该应得有]{0,2}|并?非)"
    r"(?: \w{1,12})?\s?$"
)
"""Before what is said of a letter: it is said not to hold."""

_ANSWER = re.compile(
    r"(?:(?i:\b(?:answers?|ans|option|choice"
    r"|(?:correct|right|best) (?:one|letter|response|statement))"
    rf"{IS})|(?:答案|正确的?(?:选项|一项)?|而)(?:应该?)?(?:是|为|选|[:：])[:：]?)"
    rf"{_ONE}{_KEPT}"
)
_RIGHT = re.compile(
    r"(?<![A-Za-z'’])([A-Z])(?:[)）.*_\"'`]{0,3}\s?(?i:is (?:correct|right|the answer|the "
    r"(?:correct|right|best) (?:answer|option|choice|one)))\b|项?[是为]?(?:正确|对的))"
)
_CHOSEN = re.compile(
    r"(?:(?i:\b(?:choose|chose|pick|select|go with|going with"
    r"|(?:so|thus|hence|therefore),?(?= (?:the )?(?:option|choice)))"
    r"|(?i:(?:so|thus|hence|therefore),?|it['’]s|it is)(?= [(（]?[A-Z][)）]?(?:[.。]|\s*$)))"
    rf"|选择?[:：]?){_ONE}{_KEPT}"
)
_BARE = re.compile(
    r"(?:(?i:(?<!or )(?<!and )\b(?:option|choice|answer))|选项|答案)"
    rf"[^A-Za-z\n.!?。不没非]{{0,4}}{_ONE}{_KEPT}"
)
_BOXED = re.compile(rf"{_TO}([A-Z])(?:[)）.:：]|[\s*_$}}]*$)")
"""What a box may hold: the letter, dressed, alone or before the option's own text."""
_ALONE = re.compile(r"[\s*_(（\"'\[]*(?:\\text\{)?([A-Za-z])[\s*_)）\"'\].．。:：}]*")
_LEADING = re.compile(r"^[ \t*_]*+[(（]?([A-Z])[)）.．:：](?:\s|\*|$)", re.MULTILINE)


LISTED_IN = 200_000
"""Characters of the end of a prompt in which options are looked for."""


@dataclass(frozen=True, slots=True)
class ChoiceKey:
    r"""The letter of the option that an answer takes: ``B``, "The answer is (B).", ``\boxed{B}``.

    A boxed letter comes first, then a lone one, then the last that is said to be the answer, then
    one that is said to be right, then one that is chosen. Where nothing is said, it is the only
    option that a line begins with ("B) Paris"), or the only one that is named and not rejected: of
    several that are discussed, none is the answer by that. A letter that is no option of the prompt
    does not vote.
    """

    kind: ClassVar[str] = "choice"

    def key(self, request: Request, candidate: Candidate) -> str | None:
        """See `bestofn.core.protocols.AnswerKey`."""
        return _taken(without_thoughts(candidate.text), options(request))


@kept
def _taken(text: str, letters: frozenset[str]) -> str | None:
    """The letter that a text takes. Kept, since it is asked for to find the kind of key, to vote,
    and again whenever another candidate comes."""
    boxed = announced(text)
    for lone in (None if boxed is None else _ALONE.fullmatch(boxed), _ALONE.fullmatch(text)):
        if lone is not None:
            return _known(lone[1], letters)
    if boxed is not None and (dressed := _BOXED.match(boxed)) is not None:
        return _known(dressed[1], letters)
    for said in (_ANSWER, _RIGHT, _CHOSEN):
        if found := [each for each in _found(said, text) if _known(each, letters)]:
            return found[-1]
    led: list[str] = _LEADING.findall(text) if _LEADING.match(text) else []
    for named in (led, _found(_BARE, text)):
        if len(only := {each for each in named if _known(each, letters)}) == 1:
            return only.pop()
    return None


def _found(said: re.Pattern[str], text: str) -> list[str]:
    """The letters of which a text says it, and does not deny it."""
    return [
        str(each[1])
        for each in said.finditer(text)
        if not _DENIED.search(text[max(0, each.start() - 24) : each.start()])
    ]


def options(request: Request) -> frozenset[str]:
    """The letters of the options that the newest user message lists, A, B, ... in order and at
    least two of them; none where it lists none. Of a long one its end is read."""
    return _listed(request.last_user_text[-LISTED_IN:])


@functools.lru_cache(maxsize=16)
def _listed(prompt: str) -> frozenset[str]:
    """Read once for all candidates: a prompt may be long."""
    for pattern in (_OPTION, _INLINE):
        found = list(dict.fromkeys(pattern.findall(prompt)))
        if len(found) > 1 and found == [chr(ord("A") + at) for at in range(len(found))]:
            return frozenset(found)
    return frozenset()


def _known(letter: str, letters: frozenset[str]) -> str | None:
    return letter.upper() if not letters or letter.upper() in letters else None
