"""The judgement that a text's last sentence has no end although it should have one.

A missing stop is no fault by itself: titles, verses, list items, names and short answers have none.
It is one where the text shows that it punctuates: by sentences that end before the last one within
the same block, or by the ends of its other blocks of the same kind.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from bestofn.filters.data_lines import ends_in_data_lines
from bestofn.filters.truncation.blocks import Block
from bestofn.filters.truncation.clauses import is_entry, is_plain, is_summary, stops_short
from bestofn.filters.truncation.closings import ends_in_amount, is_final_answer
from bestofn.filters.truncation.line_end import TAIL, ends_sentence
from bestofn.filters.truncation.own_style import LONG, PEER, describes, in_columns, leaves_out_stops
from bestofn.filters.truncation.sentences import (
    CJK,
    last_sentence,
    needs_no_stop,
    punctuated,
    weight,
)

_REMARK = re.compile(r"[(（][^()（）]{6,200}[)）]$")
"""A remark in brackets, behind which stops are often left out."""

_RESULT = re.compile(r"\d[%°]?[A-Za-z€$£¥]{0,3}$|^\s*[^:：.。]{1,30}[:：]\s*\S+(?:\s\S+){0,2}$")
"""A number, or a label and its value, at the end of a line."""

_SIGN_OFF = re.compile(
    r"(?i)\s*(?:(?:best|kind|warm)(?: regards| wishes)?|(?:yours )?(?:sincerely|truly|faithfully)|"
    r"regards|cheers|love|thanks|此致|敬礼|祝好|谢谢|--)[,，!！]?$"
)


_REFERENCES = re.compile(
    r"(?:[^\n]{0,200}(?:参[看见阅考]|\b[Ss]ee(?: also)?) *)?"
    r"[\w.+:-]{1,40}\(\d\w{0,3}\)(?:(?:, ?|，|、| )[\w.+:-]{1,40}\(\d\w{0,3}\))*"
)
"""Pages of a manual, and what points to them: chat(8), uucp(1)."""

_SPEAKER = re.compile(r"\W{0,4}\w[^:：\n]{0,30}[:：]")
"""Who speaks, at the beginning of a line of a dialogue, some of which have no stop."""

_POEM_HEAD = re.compile(r"《[^《》\n]{1,40}》|[^\s:：]{1,4}\s?[:：].{0,40}")
"""A title, or what a poem is headed by: its author, its time."""

_VERSE_MARK = re.compile(r"[,.;:!?，。；：！？、…—-][\"'”’」』)）]*$")

WRAPPED = 7
"""Mean words of lines that are wrapped prose; verses and lists of names have fewer."""

RUNNING_ON = 10
"""Words of a sentence that runs over lines, from which it is expected to end."""

RUNNING = 20
"""Words of running text without any stop that no title or item has."""

RESULT = 6
"""Words of a last sentence that ends in a number and may stand without a stop, as results do."""

GREETED = 9
"""Words from which a sentence behind "Sure!" is expected to end."""

HEADED = 4
"""Words of a paragraph in a text with headings, from which it is expected to end."""

CJK_CLAUSES = 5
"""Words of Chinese clauses parted by commas, from which they are expected to end."""


def lacks_end(found: Sequence[Block]) -> bool:
    """Whether the last of the blocks should end in a sentence end and does not."""
    block = found[-1]
    line = block.lines[-1].rstrip()
    if block.kind not in ("text", "item") or ends_sentence(line) or _stands_without(found, line):
        return False
    if is_final_answer(line) or ends_in_amount(line):
        return False
    wrapped = _is_wrapped(block)
    rest, inner = last_sentence(block.text if wrapped else line)
    size = weight(rest)
    if is_final_answer(rest, alone=False):
        return False
    if size <= RESULT and _RESULT.search(line[-TAIL:]):
        return False
    if leaves_out_stops(found) or describes(found) or in_columns(block):
        return False
    if (inner and not _greets(line, size)) or _ends_verses(block, wrapped):
        return size > 0
    peers = [
        punctuated(peer.lines[-1])
        for peer in found[:-1]
        if peer.kind == block.kind and (block.kind == "item" or weight(peer.text) >= PEER)
    ]
    if block.kind == "item" and peers:
        longest = max(weight(each.text) for each in found[:-1] if each.kind == "item")
        return _items_end(peers) and (len(peers) >= 2 or size >= 3) and weight(block.text) < longest
    if (
        "，" in rest
        and not is_entry(line)
        and not _is_couplet(rest)
        and (size >= CJK_CLAUSES or _breaks_off(rest))
    ):
        return True
    if _begins_poem([line for each in found for line in each.lines]):
        return True
    announced = len(found) > 1 and found[-2].lines[-1].rstrip()[-1:] in (":", "：")
    if peers and sum(peers) >= 0.5 * len(peers) and not announced:
        return size >= (1 if len(peers) >= 2 and all(peers) and CJK.match(rest) else 2)
    if is_entry(line):
        return False
    if _runs_on(block, size, wrapped):
        return True
    cjk = len(CJK.findall(rest)) >= 4
    if stops_short(rest, size, cjk=cjk, alone=announced or len(found) == 1):
        return True
    headed = block.kind == "text" and any(each.kind == "heading" for each in found)
    if headed and size >= HEADED and is_plain(rest):
        return True
    begins = not block.text.lstrip()[:1].islower() and not is_summary(rest)
    return begins and size >= LONG and (not peers or (wrapped and size >= RUNNING))


def _stands_without(found: Sequence[Block], line: str) -> bool:
    """Whether the last line is of a kind that has no stop: a name, a row, an address, a list."""
    block = found[-1]
    if any(_SIGN_OFF.match(each.rstrip()) for each in block.lines[-3:-1]):
        return True
    if ends_in_data_lines(block.text) or _lists_names(block.lines[-6:], 4):
        return True
    if any(_lists_names(each.lines[-6:], 4) for each in found[:-1]) and _lists_names(
        block.lines[-6:], 2
    ):
        return True
    if _REMARK.search("\n".join(block.lines[-2:])[-TAIL:].rstrip()):
        return True
    return _REFERENCES.fullmatch(line.strip()[:TAIL]) is not None or needs_no_stop(line)


def _greets(line: str, size: float) -> bool:
    """Whether all that is before a last sentence of `size` words is a short exclamation."""
    before, *after = re.split("[!！]", line[:TAIL])
    return size < GREETED and len(after) == 1 and weight(before) <= 2


def _items_end(peers: Sequence[bool]) -> bool:
    """Whether most of the other items end in a stop, or the last two do."""
    return sum(peers) >= 0.75 * len(peers) or (len(peers) >= 2 and all(peers[-2:]))


def _begins_poem(lines: Sequence[str]) -> bool:
    """Whether a single Chinese line without a mark follows a poem's title and author: no poem has
    only one."""
    *heads, last = (line.strip() for line in lines)
    return (
        any(head.startswith("作者") for head in heads)
        and all(_POEM_HEAD.fullmatch(head) for head in heads)
        and not _POEM_HEAD.fullmatch(last)
        and CJK.match(last) is not None
    )


def _is_couplet(clauses: str) -> bool:
    """Whether the clauses are two of five or of seven characters, as verses and proverbs are."""
    lengths = [len(clause.strip()) for clause in clauses.split("，")]
    return lengths in ([4, 4], [5, 5], [7, 7])


def _breaks_off(clauses: str) -> bool:
    """Whether the last of the clauses is shorter than the one before, as no couplet's is."""
    *_, before, last = clauses.split("，")
    return 0 < weight(last) < weight(before) and weight(before) >= 2.5


def _lists_names(lines: Sequence[str], least: int) -> bool:
    """Whether the last line, alone or with those that lead to it by a comma at their end, is at
    least so many names parted by commas: no sentence, so no stop."""
    names = _names(lines[-1].rpartition(": ")[2])
    for before in reversed(lines[:-1]):
        if before.rstrip()[-1:] not in (",", "，", "、"):
            break
        names = [*_names(before.rstrip(" ,，、")), *names]
    return len(names) >= least and all(weight(name) <= 2 for name in names)


def _names(line: str) -> list[str]:
    return re.split(r"[,，、]", line)


def _ends_verses(block: Block, wrapped: bool) -> bool:
    """Whether the lines before the last all end in a mark, as verses do: the last has none."""
    before = block.lines[:-1]
    marked = [bool(_VERSE_MARK.search(verse.rstrip())) for verse in before]
    if not marked or not marked[-1]:
        return False
    if sum(_SPEAKER.match(verse) is not None for verse in block.lines) >= 0.9 * len(block.lines):
        return all(marked)
    return sum(marked) >= 0.7 * len(marked) or not wrapped


def _is_wrapped(block: Block) -> bool:
    """Whether the block's lines are one running text: those without a mark at their end are long,
    or there is only one."""
    body = [line for line in block.lines[:-1] if not _VERSE_MARK.search(line.rstrip())]
    return not body or sum(map(weight, body)) >= WRAPPED * len(body)


def _runs_on(block: Block, size: float, wrapped: bool) -> bool:
    """Whether the last line goes on with the sentence of the line before, in words enough."""
    if len(block.lines) == 1 or not block.lines[-1].lstrip()[:1].islower():
        return False
    if _VERSE_MARK.search(block.lines[-2].rstrip()):
        return False
    above = 0.0 if wrapped else weight(block.lines[-2])
    return (wrapped or above >= WRAPPED) and above + size >= RUNNING_ON
