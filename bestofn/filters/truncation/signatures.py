"""Signatures: the names, titles and places that end a letter, a quotation or a post.

>>> from bestofn.filters.truncation.blocks import blocks
>>> from bestofn.filters.truncation.signatures import is_signature
>>> is_signature(blocks("It was a pleasure.\\n\\nAnna Meier")), is_signature(blocks("It was"))
(True, False)
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from bestofn.filters.truncation.blocks import Block
from bestofn.filters.truncation.english_words import BEGINNINGS
from bestofn.filters.truncation.line_end import ends_sentence

SIGNATURE = 7
"""Words that a signature has at most (a name, a title, a place)."""

SALUTED, LINE, CHARACTERS = 3, 5, 16
"""Blocks of a letter among which its salutation stands (a subject may be before it); words of a
line of its signature, and characters where words are not parted by spaces, at most."""

VALEDICTION = 20
"""Characters of the short line that takes leave, without spaces, at most."""

_SIGNED = re.compile(r"\s*(?:[-–—~]{1,2}|——)\s?[\w\[“\"'][^\n]{0,60}$")
_WORD = re.compile(r"[^\W\d_]")
_SALUTATION = re.compile(
    r"[^\n.。]{1,40}(?:[,，、:：!！،]|様|さん|님|께|先生|女士|您好|へ)[.。]?$|안녕하\w{1,3}[^\n]{0,30}$"
)
_BY = re.compile(r"[^\s。、]{1,12}\s?(?:より|拝|敬上|谨上|드림|올림)")
_LEAVE = re.compile(r"[,，、،.。!！।]$")

_PARTICLES = frozenset(
    {"de", "da", "di", "do", "dos", "du", "del", "della", "der", "den", "des", "van", "von", "of"}
    | {"the", "and", "y", "e", "la", "le", "el", "zu"}
)
"""Small words within names."""


def is_signature(found: Sequence[Block]) -> bool:
    """Whether the last block is a signature: names after a paragraph that ended or after a dash, or
    the short lines behind the leave that a letter takes."""
    return _is_named(found, found[-1].lines[-1].strip()) or _signs_letter(found)


def _is_named(found: Sequence[Block], bare: str) -> bool:
    words = bare.split()
    if len(words) > SIGNATURE or len(found) < 2 or len(found[-1].lines) > 2:
        return False
    if _SIGNED.match(bare):
        return all(not word[:1].islower() or word in _PARTICLES for word in words)
    named = [word for word in words if _WORD.search(word)]
    above = found[-2].lines[-1].rstrip()
    if next(iter(named), "").rstrip(",") in BEGINNINGS:
        return False
    if len(found[-1].text.partition("\n")[0].split()) > SIGNATURE:
        return False
    return (
        found[-1].kind == "text"
        and bool(named)
        and all(word[:1].isupper() or word in _PARTICLES for word in named)
        and named[0][:1].isupper()
        and (ends_sentence(above) or above.endswith((",", "，", "、")))
        and len(named) <= 4
    )


def _signs_letter(found: Sequence[Block]) -> bool:
    """Whether a salutation stands at the beginning, and short lines behind a short leave at the
    end: what names look like in a script without capitals."""
    greeted = next(
        (
            number
            for number, block in enumerate(found[:SALUTED])
            if _SALUTATION.fullmatch(block.lines[0].strip())
        ),
        None,
    )
    if greeted is None or len(found) < greeted + 3 or found[-1].kind != "text":
        return False
    lines = list(found[-1].lines)
    if len(lines) == 1 and _BY.fullmatch(lines[0].strip()):
        return True
    if not _takes_leave(lines[0]):
        leave = found[-2]
        if (
            len(found) < greeted + 4
            or len(leave.lines) > 1
            or not _takes_leave("".join(leave.lines))
        ):
            return False
        lines = ["", *lines]
    return len(lines) > 1 and all(
        len(line.split()) <= LINE and max(map(len, line.split())) <= CHARACTERS
        for line in lines[1:]
    )


def _takes_leave(line: str) -> bool:
    return len(line.replace(" ", "")) <= VALEDICTION and _LEAVE.search(line.rstrip()) is not None
