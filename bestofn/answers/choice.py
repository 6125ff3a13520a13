"""Choice letters: which of the options that the prompt lists an answer takes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar

from bestofn.answers.number import announced
from bestofn.core.types import Candidate, Request
from bestofn.support.thoughts import without_thoughts

_OPTION = re.compile(
    r"(?:^|[\n;；])[ \t]*(?:[-*][ \t]*)?\**[(（]?([A-Z])(?:[)）.．:：、]|\*\*)[ \t]*\S"
)
_INLINE = re.compile(r"(?<![A-Za-z])[(（]?([A-Z])[)）][ \t]*\S")
_SAID = re.compile(
    r"(?i:answers?|options?|choices?|choose|correct(?: one)?|答案|选项?|选择)[^A-Za-z\n]{0,4}"
    r"(?i:is|are|为|是|:|：)?[\s*_(（\"'\\{]*([A-Z])(?![A-Za-z'’])"
)
_ALONE = re.compile(r"[\s*_(（\"'\[]*(?:\\text\{)?([A-Za-z])[\s*_)）\"'\].．。:：}]*")
_LEADING = re.compile(r"[\s*_]*[(（]?([A-Z])[)）.．:：](?:\s|\*|$)")


@dataclass(frozen=True, slots=True)
class ChoiceKey:
    r"""The letter of the option that an answer takes: ``B``, "The answer is (B).", ``\boxed{B}``.

    A boxed letter comes first, then a lone one, then the last that is said to be the answer, then
    one that the answer begins with ("B) Paris"). A letter that is no option of the prompt does not
    vote.
    """

    kind: ClassVar[str] = "choice"

    def key(self, request: Request, candidate: Candidate) -> str | None:
        """See `bestofn.core.protocols.AnswerKey`."""
        letters = options(request)
        text = without_thoughts(candidate.text)
        boxed = announced(text)
        for said in (None if boxed is None else _ALONE.fullmatch(boxed), _ALONE.fullmatch(text)):
            if said is not None:
                return _known(said[1], letters)
        if found := [each for each in _SAID.findall(text) if _known(each, letters)]:
            return _known(found[-1], letters)
        leading = _LEADING.match(text)
        return None if leading is None else _known(leading[1], letters)


def options(request: Request) -> frozenset[str]:
    """The letters of the options that the newest user message lists, A, B, ... in order and at
    least two of them; none where it lists none."""
    text = request.last_user_text
    for pattern in (_OPTION, _INLINE):
        found = list(dict.fromkeys(pattern.findall(text)))
        if len(found) > 1 and found == [chr(ord("A") + at) for at in range(len(found))]:
            return frozenset(found)
    return frozenset()


def _known(letter: str, letters: frozenset[str]) -> str | None:
    return letter.upper() if not letters or letter.upper() in letters else None
