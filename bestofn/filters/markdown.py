"""Fenced code blocks of Markdown: where they begin and end, and whether one was left open."""

from __future__ import annotations

import re
from dataclasses import dataclass

_FENCE = re.compile(r" {0,3}(?:[-*+>] {1,3}|\d+[.)] {1,3}| {0,8})(`{3,}|~{3,})(.*)")

CODE = "\x00"
"""The line that stands in `Outline.prose` for a whole fenced block."""


@dataclass(frozen=True, slots=True)
class Outline:
    """A Markdown text without its fenced code.

    Args:
        prose: the text, each fenced block replaced by the one line `CODE`.
        open: whether a block was never closed; it counts as code to the end.
    """

    prose: str
    open: bool


def outline(text: str) -> Outline:
    """Take fenced blocks out of `text`, in linear time.

    Inside a block, a fence of the same mark with an info string opens an inner block, and one
    without closes the innermost; so a Markdown answer within a fence, which CommonMark would end
    at the first inner block, is one block. Shorter fences than the open one are content.
    """
    lines: list[str] = []
    opened: list[str] = []
    for line in text.splitlines():
        fence = _FENCE.match(line)
        mark, info = (fence.group(1), fence.group(2).strip()) if fence else ("", "")
        if mark and mark[0] in info and mark[0] == "`":
            mark = ""  # ```code``` within a line is a span, no fence
        if opened:
            if mark and mark[0] == opened[-1][0] and len(mark) >= len(opened[-1]):
                if info:
                    opened.append(mark)
                else:
                    opened.pop()
        elif mark:
            opened.append(mark)
            lines.append(CODE)
        else:
            lines.append(line)
    return Outline("\n".join(lines), bool(opened))
