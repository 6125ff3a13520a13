"""The filter of empty answers: candidates that say nothing visible and call no tool."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import ClassVar

from bestofn.core.types import Candidate, Rejection, Request
from bestofn.filters.reasoning import split_reasoning

_EMPTY_FENCE = re.compile(r"(?:`{3,}|~{3,})[^\n`]{0,40}\s*(?:`{3,}|~{3,})")

LOOKED_AT = 10_000
"""Characters in which something visible has to be."""


def calls_tools(candidate: Candidate) -> bool:
    """Whether the candidate calls a tool or (in OpenAI's older form) a function."""
    message = candidate.message
    return bool(message.get("tool_calls") or message.get("function_call"))


@dataclass(frozen=True, slots=True, kw_only=True)
class EmptyFilter:
    """Rejects candidates with neither content nor a tool call. Reasons: ``empty``,
    ``whitespace_only``, ``nothing_visible`` (zero-width and control characters),
    ``only_template_token``, ``empty_fence``, ``no_answer`` (thoughts and nothing behind them)."""

    portable: ClassVar[bool] = True

    @property
    def name(self) -> str:
        """The filter's name."""
        return "empty"

    def check(self, request: Request, candidate: Candidate) -> Rejection | None:
        """A rejection where nothing was said and no tool was called."""
        if calls_tools(candidate):
            return None
        found = _nothing(candidate.text)
        return Rejection(self.name, *found) if found else None


def _nothing(text: str) -> tuple[str, str] | None:
    if not text:
        return "empty", "there is neither an answer nor a tool call"
    if not text.strip():
        return "whitespace_only", "the answer is only whitespace"
    if not _visible(text):
        return "nothing_visible", "the answer is only characters that nobody sees"
    parts = split_reasoning(text)
    answer = parts.answer.strip()
    if not parts.open and not _visible(answer):
        if parts.reasoning:
            return "no_answer", "there are thoughts, and no answer behind them"
        return "only_template_token", f"the answer is only {parts.end_tokens[0]}"
    if len(answer) < 200 and _EMPTY_FENCE.fullmatch(answer):
        return "empty_fence", "the answer is only a code block without content"
    return None


def _visible(text: str) -> bool:
    """Whether some character is one that is seen: no space, format, control or replacement."""
    return (
        any(
            unicodedata.category(character)[0] not in "ZC" and character != "\ufffd"
            for character in text[:LOOKED_AT]
        )
        or len(text) > LOOKED_AT
    )
