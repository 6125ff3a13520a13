"""A text's own style: whether its paragraphs and its entries leave out the stop at their end."""

from __future__ import annotations

import re
from collections.abc import Sequence

from bestofn.filters.truncation.blocks import Block
from bestofn.filters.truncation.clauses import is_entry, is_title
from bestofn.filters.truncation.line_end import ends_sentence
from bestofn.filters.truncation.sentences import last_sentence, needs_no_stop, punctuated, weight

_NUMBERED = re.compile(r"\s*\d+(?:\.\d+)*\.?\s")
"""The number of a heading."""

_COLUMNS = re.compile(r"\s{0,40}\S{1,40}(?: \S{1,40}){0,2}(?: {2,60}|\t{1,9})(?=\S)")

ROWS = 3
"""Rows whose second column begins at the same place."""

PEER = 5
"""Words of a paragraph that shows how the text punctuates; titles have fewer."""

ENTRY = 4
"""Words of an entry, as against a term of a formula (x - 2 * a)."""

LONG = 12
"""Words (a CJK character is half a word) from which one sentence alone is expected to end."""


def leaves_out_stops(found: Sequence[Block]) -> bool:
    """Whether the paragraphs before the last show that the text's have no stop at their end: one of
    several sentences, or as long as a sentence, has none, or two of some words have none, and half
    of all at least."""
    last = found[-1]
    described = is_entry(last.lines[0])
    peers = [
        block
        for block in found[:-1]
        if block.kind == last.kind == "text"
        and weight(block.text) >= PEER
        and is_entry(block.lines[0]) == described
    ]
    bare = [block for block in peers if _runs_out(block)]
    if not bare or 2 * len(bare) < len(peers):
        return False
    return len(bare) >= 2 or last_sentence(bare[0].text)[1] or weight(bare[0].text) >= LONG


def _runs_out(block: Block) -> bool:
    """Whether the paragraph is one of sentences, and has no stop at its end."""
    line = block.lines[-1].rstrip()
    return not (
        punctuated(line)
        or needs_no_stop(line)
        or _NUMBERED.match(block.text)
        or is_title(block.text.split())
    )


def describes(found: Sequence[Block]) -> bool:
    """Whether the last line belongs to an entry (a name and what it means), and most others of the
    text end without a stop; the only one, where it is not of several sentences."""
    lines = [line for block in found for line in block.lines]
    starts = [number for number, line in enumerate(lines) if is_entry(line)]
    if not starts or any(
        len(line) - len(line.lstrip()) <= _indent(lines[starts[-1]])
        for line in lines[starts[-1] + 1 :]
    ):
        return False
    if len(starts) == 1:
        entry = "\n".join(lines[starts[0] :])
        return weight(entry) >= ENTRY and not last_sentence(entry)[1]
    ends = [lines[number - 1] for number in starts[1:]]
    return 2 * sum(ends_sentence(line.rstrip()) for line in ends) < max(1, len(ends))


def in_columns(block: Block) -> bool:
    """Whether the last line is a row of two columns, names and what they mean, parted by spaces
    alone, or goes on in the second, and none of the others has a stop."""
    columns = [found.end() for line in block.lines if (found := _COLUMNS.match(line))]
    if not columns or columns.count(columns[-1]) < ROWS:
        return False
    if any(ends_sentence(line.rstrip()) for line in block.lines[:-1]):
        return False
    last = _COLUMNS.match(block.lines[-1])
    return columns[-1] == (last.end() if last else _indent(block.lines[-1]))


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())
