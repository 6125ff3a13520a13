"""Fenced code blocks of Markdown: where they begin and end, and whether one was left open."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_FENCE = re.compile(r" {0,3}(?:[-*+>] {1,3}|\d{1,9}[.)] {1,3}| {0,12}|\t{1,3})(`{3,}|~{3,})(.*)")
_LANGUAGE = re.compile(r"[\w+#./-]{1,30}(?:\s*[{\[(:].*|\s+[\w-]+=.*)?")
"""What opens a block behind its mark; anything else closes one, and text goes on behind it."""

_MARKDOWN = frozenset({"markdown", "md", "mdx"})
"""Languages whose blocks hold blocks."""

_SPAN = re.compile(r"(?<!`)(`{1,2})(?!`)([^`\n]{1,200}?)\1(?!`)")

CODE = "\x00"
"""The line that stands in `Outline.prose` for a whole fenced block."""


@dataclass(frozen=True, slots=True)
class Outline:
    """A Markdown text without its fenced code.

    Args:
        prose: the text, each fenced block replaced by the one line `CODE`.
        open: whether a block was never closed; it counts as code to the end.
        last: what stands in the last block, where it was never closed.
    """

    prose: str
    open: bool
    last: str = ""


def outline(text: str) -> Outline:
    """Take fenced blocks out of `text`, in linear time.

    A fence with a language within a block opens an inner block where the outer one is Markdown;
    elsewhere both readings are tried (it is an inner block, or content, as CommonMark says), and
    the text is open only where both leave it so. A fence with anything else behind it closes. A
    text that begins within a block (a single bare fence at the end of code) is whole.
    """
    if "```" not in text and "~~~" not in text:
        return Outline("\n".join(text.splitlines()), False)
    nested = _outline(text, nest=True)
    if not nested.open:
        return nested
    flat = _outline(text, nest=False)
    return flat if not flat.open else nested


def _outline(text: str, *, nest: bool) -> Outline:
    lines: list[str] = []
    last: list[str] = []
    opened: list[str] = []
    markdown = False
    all_lines = text.splitlines()
    for number, line in enumerate(all_lines):
        mark, info = _fence(line)
        if opened:
            if mark and mark[0] == opened[-1][0] and len(mark) >= len(opened[-1]):
                if info and _LANGUAGE.fullmatch(info):
                    if nest or markdown:
                        opened.append(mark)
                else:
                    opened.pop()
                    if info and not opened:
                        lines.append(info)
            if opened:
                last.append(line)
        elif mark and _opens(mark, info, all_lines, number):
            opened.append(mark)
            markdown = info.partition(" ")[0].lower() in _MARKDOWN
            last = []
            lines.append(CODE)
        elif mark and not info and number == len(all_lines) - 1:
            lines = [CODE]  # the text began within a block
        else:
            lines.append(line)
    return Outline("\n".join(lines), bool(opened), "\n".join(last) if opened else "")


def _fence(line: str) -> tuple[str, str]:
    """(the fence's mark, what stands behind it); two empty texts where the line is none."""
    fence = _FENCE.match(line)
    if fence is None:
        return "", ""
    mark, info = fence.group(1), fence.group(2).strip()
    if mark[0] in info:
        return "", ""  # ```code``` within a line is a span; ~~~ with more behind it is a drawing
    return mark, info


def _opens(mark: str, info: str, lines: list[str], number: int) -> bool:
    """Whether a fence outside of a block opens one: not where it is the last line of code that
    began before the text did, nor a row of tildes in a drawing."""
    above = lines[number - 1].strip() if number else ""
    if mark[0] == "~":
        return len(mark) <= 4 and not above and (not info or bool(_LANGUAGE.fullmatch(info)))
    return bool(info) or number < len(lines) - 1 or not above or number == 0 or above[-1] in ":："


def hide_code(text: str) -> str:
    """`text` with its fenced blocks and code spans blanked, character by character."""
    if "`" not in text and "~~~" not in text:
        return text
    shown = "".join(_hidden_lines(text))
    return _SPAN.sub(lambda span: " " * len(span.group()), shown)


def _hidden_lines(text: str) -> Iterator[str]:
    opened = ""
    lines = text.splitlines(keepends=True)
    bare = [line.rstrip("\r\n") for line in lines]
    for number, line in enumerate(lines):
        mark, info = _fence(line.rstrip("\r\n"))
        inside = bool(opened)
        if opened and mark[:1] == opened[0] and len(mark) >= len(opened):
            opened = opened if info and _LANGUAGE.fullmatch(info) else ""
        elif not opened and mark and _opens(mark, info, bare, number):
            opened, inside = mark, True
        shown = info if inside and not opened and mark else ""
        hidden = re.sub(r"[^\r\n]", " ", line) if inside else line
        place = line.find(shown) if shown else 0
        yield hidden[:place] + shown + hidden[place + len(shown) :]
