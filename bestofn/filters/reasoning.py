"""Reasoning that an engine left in the content, told from the answer by its tags.

    "<think>2 and 2.</think>It is 4."  ─►  Parts(reasoning="2 and 2.", answer="It is 4.")

Tags in code, and tags that a sentence speaks about, are text.
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass

from bestofn.filters.chat_tokens import strip_end
from bestofn.filters.markdown import hide_code

_NAME = r"(?:seed:)?(?:think(?:ing)?|thoughts?|reasoning|reflection|analysis)"
_OPEN = rf"<{_NAME}>|\[THINK\]|◁think▷|<\|begin_of_thought\|>|<\|channel\|>\s?analysis<\|message\|>"
_CLOSE = (
    rf"</{_NAME}>|\[/THINK\]|◁/think▷|<\|end_of_thought\|>"
    r"|(?:<\|end\|>)?(?:<\|start\|>assistant)?<\|channel\|>\s?final<\|message\|>"
)
_FIRST = re.compile(
    rf"\s{{0,100}}+(?:(?:<\|start\|>assistant|<\|im_start\|>assistant)\s{{0,20}})?(?:{_OPEN})"
)
_OPENS_LINE = re.compile(rf"^[ \t]*(?:{_OPEN})[ \t]*$", re.MULTILINE)
_CLOSES = re.compile(_CLOSE)
_CLOSES_LINE = re.compile(
    rf"(?:^|(?<=[.!?。！？])) ?(?:{_CLOSE})[ \t]*$|^(?:{_CLOSE})", re.MULTILINE
)


@dataclass(frozen=True, slots=True)
class Parts:
    """A text parted into what was thought and what is answered.

    Args:
        reasoning: what stands between the tags; '' where there is none.
        answer: the rest, without chat tokens at its end (see `chat_tokens`).
        open: whether the reasoning began and never ended; then there is no answer.
        end_tokens: the chat tokens that stood at the end.
    """

    reasoning: str
    answer: str
    open: bool = False
    end_tokens: tuple[str, ...] = ()


@functools.lru_cache(maxsize=64)
def split_reasoning(text: str) -> Parts:
    """Part `text`, in linear time; several filters ask for the same text in a row."""
    rest, tokens = strip_end(text)
    first = _FIRST.match(rest)
    reasoning = ""
    if first is not None:
        end = _CLOSES.search(rest, first.end())
        while end is not None and rest[end.start() - 1] == "`" == rest[end.end() : end.end() + 1]:
            end = _CLOSES.search(rest, end.end())
        if end is None:
            return Parts(rest[first.end() :], "", open=True, end_tokens=tokens)
        reasoning, rest = rest[first.end() : end.start()], rest[end.end() :]
    elif "<" in rest or "[" in rest or "◁" in rest:
        hidden = hide_code(rest)
        if alone := _CLOSES_LINE.search(hidden):
            reasoning, rest = rest[: alone.start()], rest[alone.end() :]
    if again := _OPENS_LINE.search(hide_code(rest)) if "<" in rest or "[" in rest else None:
        end = _CLOSES.search(rest, again.end())
        if end is None:
            return Parts(reasoning + rest[again.end() :], rest[: again.start()], True, tokens)
        reasoning += rest[again.end() : end.start()]
        rest = rest[: again.start()] + rest[end.end() :]
    return Parts(reasoning, rest, end_tokens=tokens)
