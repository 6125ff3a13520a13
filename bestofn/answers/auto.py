"""The answer key that suits a request and the answers to it, found by looking at both."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bestofn.answers.announced import announced, marked
from bestofn.answers.choice import ChoiceKey, options
from bestofn.answers.json import JsonKey
from bestofn.answers.number import NumberKey
from bestofn.answers.number_words import MINUS
from bestofn.answers.text import TextKey
from bestofn.answers.tool_calls import ToolCallsKey
from bestofn.core.protocols import AnswerKey
from bestofn.core.types import Candidate, Request
from bestofn.support import json_answer
from bestofn.support.thoughts import without_thoughts

TAIL = 200
"""Characters at the end of an answer in which its result is looked for."""

_RESULT = re.compile(
    rf"(?:=|≈|\b(?:is|are|equals|total|totals)\b|等于|共|得|是|为)\s*[$*(（]*(?:[-+−]|{MINUS})?\d[\d,.\s/]*%?[^\d\n]{{0,24}}$"
)


@dataclass(frozen=True, slots=True)
class AutoKey:
    """The kind of key that suits the answers, or none.

    From the request: tool calls, where most of the answers call tools; JSON, where
    `response_format` asks for it; choice letters, where the prompt lists options and most of the
    answers take one. From the answers, where most agree: a result that is boxed or announced, words
    few enough to be compared, a last line that states a number. *Most* is at least half.
    """

    def key(self, request: Request, candidate: Candidate) -> str | None:
        """The key of the kind that suits this candidate alone."""
        found = self.suited(request, [candidate])
        return None if found is None else found.key(request, candidate)

    def suited(self, request: Request, candidates: Sequence[Candidate]) -> AnswerKey | None:
        """See `bestofn.core.protocols.Suiting`."""
        texts = [without_thoughts(each.text) for each in candidates]

        def most(test: Callable[[int], bool]) -> bool:
            return 2 * sum(map(test, range(len(candidates)))) >= max(1, len(candidates))

        def keyed(kind: AnswerKey) -> Callable[[int], bool]:
            return lambda at: kind.key(request, candidates[at]) is not None

        if most(lambda at: bool(candidates[at].message.get("tool_calls"))):
            return ToolCallsKey()
        if json_answer.asked_for(request):
            return JsonKey()
        if options(request) and most(keyed(ChoiceKey())):
            return ChoiceKey()
        if most(lambda at: _is_boxed(texts[at])):
            return NumberKey(bare=False)
        if most(keyed(TextKey())):
            return TextKey()
        if most(lambda at: announced(texts[at]) is not None):
            return NumberKey(bare=False)
        if most(lambda at: _RESULT.search(texts[at][-TAIL:]) is not None):
            return NumberKey()
        return None


def _is_boxed(text: str) -> bool:
    return "\\boxed" in text or marked(text) is not None
