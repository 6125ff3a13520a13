"""What the end of a line of prose says: a sentence end, an open end, or neither."""

from __future__ import annotations

import re

from bestofn.filters.truncation.chinese_line_end import chinese_open_end
from bestofn.filters.truncation.english_line_end import english_open_end
from bestofn.filters.truncation.other_line_end import other_open_end

STOPS = ".!?…。！？｡．‽؟۔।॥։።፧።។៕༎།။၏꓿᙮᠃᠉‼⁇⁈⁉~～〜⋯"
"""Sentence ends of the scripts in use (Unicode's Sentence_Terminal), and the wave of chat."""

TAIL = 300
"""Characters at the end of a line that are looked at, which bounds the time for any line."""

_CLOSERS = "\"'”’“‘»«‹›」』）)]】〕》〉}*_`~|>  "
_TRAILERS = f"{_CLOSERS}©®™"
"""Marks that may follow a sentence end: closers, markup, signs of rights."""

_PICTOGRAPH = re.compile(
    r"(?:[\U0001f000-\U0001faff☀-➿\ufe0f\u200d♥∎■□♪♫\u20e3\U000e007f]|(?:^|\s)[:;=]['-]?[)(DPp3]|:\w+:)$"
)
"""An emoji, an emoticon, a mark of the end of a proof: they stand for a stop."""

_LONGEST_EMOTICON = 4
"""Characters, the space before it among them."""

_REMARK = re.compile(
    r"\s*(?:[(（\[](?:[^()（）\[\]]|\([^()]*\)|\[[^\[\]]*\]){1,120}[)）\]])+[*_]*$"
)
"""Remarks in brackets after a sentence, which may hold links."""

_REMARK_ENDS = ")）]*_"
"""Their last characters."""

_FINAL = re.compile(
    r"(?i)(?:.*[.!?…。！？]\s*)?[(（*_]*"
    r"(?:the end|end|fin|finis|amen|完|全文完|终|剧终|q\.?e\.?d|证毕)[)）*_]*"
)
"""A word that closes a text, alone or after a sentence."""

_LAST_LETTERS = frozenset("dns完终毕")
"""Of those words: most lines end in none of them, and are not searched."""

_OPEN_MARKS = ",，、:：；"
_OPEN_ABBREVIATION = re.compile(r"(?:^|[\s(,])(?:e\.g|i\.e|vs|cf)\.?$", re.IGNORECASE)

_CUT_ADDRESS = re.compile(
    r"\bhttps?:?/?/?(?:www)?$|<\w+://[^\s<>]*$|<[\w.+-]+@[\w.-]*$|\bhttps?://(?!localhost)(?:www\.)?[^\s./:`'\")]+$"
)
"""An address without its host's domain, or one in angle brackets that were never closed."""

_OPEN_QUOTE = re.compile(r"(?:^|\s)[\"“„‘]$|,\s\"$")
"""A quotation mark behind a space, which opens a quotation."""

_OPEN_OPERATOR = re.compile(r"(?:=|≈|→|\s[+*×÷−-])$")


def strip_trailers(line: str) -> str:
    """`line` without what may follow a sentence end."""
    return line.rstrip(_TRAILERS)


_OTHER_STOP = re.compile(r"[\u0370-\u03ff\u1f00-\u1fff];$|[\u0530-\u058f]:$|\u0f0d$")
"""Greek's question mark, and Armenian's full stop, where a keyboard has only ; and :."""

_OTHER_STOPS = ";:\u0f0d"
"""Their last characters."""


def ends_sentence(line: str) -> bool:
    """Whether the line ends in a sentence end, a pictograph or a final word ("The end").

    Closing marks, footnotes or a remark in brackets may follow a sentence end.
    """
    line = line.rstrip()[-TAIL:]
    if line[-1:] in STOPS:
        return not _OPEN_ABBREVIATION.search(line)
    closed = line.rstrip(_CLOSERS)
    if closed[-1:] in _OTHER_STOPS and _OTHER_STOP.search(closed):
        return True
    if _ends_in_pictograph(line) or _ends_in_final_word(line):
        return True
    bare = strip_trailers(line)
    if not bare:
        # Only marks: they close something, but an opening quote or backtick.
        return line.lstrip()[:1] not in "`\"'|"
    if bare[-1] in STOPS:
        return True
    return line[-1] in _REMARK_ENDS and strip_trailers(_REMARK.sub("", line))[-1:] in STOPS


def _ends_in_pictograph(line: str) -> bool:
    possible = not line.isascii() or line[-1:] in ")(DPp3:"
    # All but a name between colons stand in the last characters.
    start = 0 if line[-1:] == ":" else max(0, len(line) - _LONGEST_EMOTICON)
    return possible and _PICTOGRAPH.search(line, start) is not None


def _ends_in_final_word(line: str) -> bool:
    possible = line.rstrip(")）*_")[-1:].casefold() in _LAST_LETTERS
    return possible and _FINAL.fullmatch(line) is not None


def open_end(line: str, context: str = "") -> str | None:
    """The mark or word at the end that announces more (a comma, a colon, "and", 以及), or None.

    `context` is the end of the text, by which languages are told; '' for the line alone.
    """
    bare = line.rstrip()[-TAIL:].rstrip("*_")
    if bare[-1:] in _OPEN_MARKS:
        return bare[-1:]
    if cjk := chinese_open_end(bare):
        return cjk
    if operator := _OPEN_OPERATOR.search(bare):
        return operator.group().strip()
    if address := _CUT_ADDRESS.search(bare):
        return address.group()
    if _OPEN_ABBREVIATION.search(bare):
        return bare.split()[-1]
    if quote := _OPEN_QUOTE.search(bare):
        return quote.group().strip()
    return english_open_end(bare) or other_open_end(bare, context or bare)
