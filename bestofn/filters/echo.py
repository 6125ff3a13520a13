"""The filter of echoes: the whole prompt given back instead of an answer."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar

from bestofn.core.types import Candidate, Rejection, Request
from bestofn.filters.reasoning import split_reasoning

_ASKED = re.compile(
    r"(?i)\b(?:repeat\w*|echo\w*|copy|rewrite|revise|correct|proofread|edit|paraphrase|translate"
    r"|continue|complete|format|punctuat\w*|say back|wiederhol\w*|korrigier\w*"
    r"|übersetz\w*|répét\w*|corrig\w*|tradui\w*|repit\w*|traduc\w*)"
    r"|重复|改写|翻译|续写|校对|繰り返|翻訳|訂正|반복|번역|повтор|перевед|исправ"
)
_CODE = re.compile(
    r"```|^[^\S\n]*(?:def|class|import|#include|function|public)\b|[{};][^\S\n]*$", re.MULTILINE
)
_SPACE = re.compile(r"\s+")

WORDS, LETTERS = 8, 40
"""Words, and characters, that a prompt has at least: short ones are quoted in good answers."""

READ = 50_000
"""Characters of a prompt that are compared; a longer one is cut there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EchoFilter:
    """Rejects answers that give the whole prompt back. Reason: ``prompt_echoed``; certain where
    nothing is added to it, a suspicion where the answer begins with it. Prompts that ask for
    their own text again (repeat, correct, translate), and code, are not judged."""

    portable: ClassVar[bool] = True

    @property
    def name(self) -> str:
        """The filter's name."""
        return "echo"

    def check(self, request: Request, candidate: Candidate) -> Rejection | None:
        """A rejection that says whether anything stands behind the prompt."""
        raw = request.last_user_text[:READ]
        if request.raw or len(raw) < LETTERS or _ASKED.search(raw) or _CODE.search(raw):
            return None
        prompt = _plain(raw)
        if len(prompt) < LETTERS or (len(prompt.split()) < WORDS and prompt.isascii()):
            return None
        parts = split_reasoning(candidate.text)
        answer = _plain(parts.answer[: 2 * READ])
        if not answer.startswith(prompt):
            return None
        added = answer[len(prompt) :].strip(" .:;!?\"'*>-")
        if not added:
            return Rejection(self.name, "prompt_echoed", "it is the prompt, and nothing else")
        return Rejection(
            self.name, "prompt_echoed", "it begins with the whole prompt", certain=False
        )


def _plain(text: str) -> str:
    return _SPACE.sub(" ", text).strip(" \"'*>").casefold()
