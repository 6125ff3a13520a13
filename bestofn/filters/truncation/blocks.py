"""The blocks of a Markdown text: paragraphs, list items, headings, table rows, and their lines."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from bestofn.filters.markdown import CODE

Kind = Literal["text", "item", "heading", "row", "code", "rule", "signature"]

_DELIMITERS = re.compile(r"\s*\|?\s*:?-{3,}:?\s*(?:\|\s*:?-{3,}:?\s*)+\|?\s*$")
"""The row of dashes below the head of a table; the rows behind it may have no bars around them."""

_SESSION = re.compile(r"^[ \t]{0,40}>>> ", re.MULTILINE)
_ITEM = re.compile(
    r"\s*(?:[-*+•·●○◦▪‣–](?=\s)|\(?\d{1,3}[.)](?=\s|[^\d\s])|\(?[A-Za-z][.)](?=\s)"
    r"|[①-⑳]|\(?[IVX]{2,5}[.)](?=\s)|[(（]?[一二三四五六七八九十\d]{1,3}[、．）])\s*"
)
_FORMS: tuple[tuple[Kind, re.Pattern[str]], ...] = (
    ("rule", re.compile(r"\s*([-*_=~+#.])(?:\s*\1){2,}\s*$")),
    # Not an option of a command (--help), which is written small.
    ("signature", re.compile(r"\s*(?:--+(?![a-z])|—+|――|–)\s*\S")),
    ("heading", re.compile(r"\s{0,3}#{1,6}\s|\s*\*\*[^*]+\*\*\s*$|\s*__[^_]+__\s*$")),
    ("row", re.compile(r"\s*\|")),
    ("item", _ITEM),
)


@dataclass(frozen=True, slots=True)
class Block:
    """A paragraph, a list item with its wrapped lines, or a single line of another kind.

    Args:
        kind: which.
        lines: its lines, at least one, none blank; a list marker is taken off.
    """

    kind: Kind
    lines: tuple[str, ...]

    @property
    def text(self) -> str:
        """Its lines joined."""
        return "\n".join(self.lines)


def blocks(prose: str) -> list[Block]:
    """The blocks of `markdown.Outline.prose`, in order."""
    found: list[Block] = []
    kind: Kind | None = None
    lines: list[str] = []
    barred = False
    for line in [*prose.split("\n"), ""]:
        starts = _kind(line) if line.strip() not in ("", ".") else None
        barred = "|" in line and (barred or _DELIMITERS.match(line) is not None)
        if barred:
            starts = "row"
        if kind is not None and (starts != "text" or kind not in ("text", "item", "signature")):
            session = kind == "text" and _SESSION.search("\n".join(lines))
            found.append(Block("code" if session else kind, tuple(lines)))
            kind, lines = None, []
        if starts is not None:
            kind = kind or starts
            lines.append(_ITEM.sub("", line, count=1) if starts == "item" else line)
    return found


def _kind(line: str) -> Kind:
    if line == CODE:
        return "code"
    for kind, form in _FORMS:
        if form.match(line):
            return kind
    return "text"
