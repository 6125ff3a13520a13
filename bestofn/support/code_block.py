"""The program in an answer: its last fenced code block, Python preferred."""

from __future__ import annotations

from markdown_it import MarkdownIt

from bestofn.support.thoughts import without_thoughts

_PYTHON = frozenset({"python", "python3", "py"})
_BLOCKS = MarkdownIt("commonmark").disable("inline")
"""Reads blocks only: what is within a line is of no interest."""


def extract_code(text: str) -> str:
    """The program in an answer: its last fenced block, and the whole text where it has none.

    Blocks marked as Python come first, then those without a mark, then others: after a program,
    models show how to install and call it, and what it prints.
    """
    text = without_thoughts(text)
    blocks = [
        (token.info.strip().lower().partition(" ")[0], token.content)
        for token in _BLOCKS.parse(text)
        if token.type == "fence"
    ]
    for wanted in (_PYTHON, {""}):
        if marked := [content for mark, content in blocks if mark in wanted]:
            return marked[-1]
    return blocks[-1][1] if blocks else text
