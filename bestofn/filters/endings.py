"""Owns what the end of a line of prose says: a sentence end, an open end, or neither."""

from __future__ import annotations

import re

STOPS = ".!?…。！？｡．‽؟۔।॥։።។‼⁇⁈⁉~～"
"""Sentence ends of the scripts in use (Unicode's Sentence_Terminal), and the wave of chat."""

TAIL = 300
"""Characters at the end of a line that are looked at, which bounds the time for any line."""

_CLOSERS = "\"'”’»」』）)]】〕》〉}*_`~|>  "
_PICTOGRAPH = re.compile(
    r"(?:[\U0001f000-\U0001faff☀-➿\ufe0f\u200d♥∎■□]|(?:^|\s)[:;=]['-]?[)(DPp3]|:\w+:)$"
)
"""An emoji, an emoticon, a mark of the end of a proof: they stand for a stop."""

_FOOTNOTE = re.compile(r"(?:\[\^?\d+\]|<[^<>\s]{1,20}>|[©®™])$")
"""Footnote marks and HTML tags, which may follow a stop."""

_REMARK = re.compile(r"\s*[(（\[][^()（）\[\]]{1,80}[)）\]][*_]*$")
"""A remark in brackets after a sentence."""

_FINAL = re.compile(
    r"(?i)(?:.*[.!?…。！？]\s*)?[(（*_]*"
    r"(?:the end|end|fin|finis|amen|完|全文完|终|剧终|q\.?e\.?d|证毕)[)）*_]*"
)
"""A word that closes a text, alone or after a sentence."""

_OPEN_MARKS = ",，、:：；"
_OPEN_WORDS = re.compile(
    r"a|the|and|or|nor|but|because|than|whose|although|every|und|oder|et|ou|"
    r"my|your|their|our|of"
)
"""Articles, conjunctions and the like, which end no sentence."""

_LATE_WORDS = re.compile(
    r"an|at|from|into|onto|upon|between|among|during|without|is|are|was|were|be|"
    r"been|has|have|had|will|would|should|could|can|may|might|must|to|with|for|"
    r"in|on|by|as|that|which|who|when|where|while|if|so|not|very|more|most|"
    r"some|any|this|these|those|such|about|over|under|after|before|through|its"
)
"""Words that end a clause at times ("I don't know what it is"), but not a long one without a
stop."""

LATE = 9
"""Words from which a line is such a long one."""

_FIRST_WORDS = re.compile(r"The|A|An|And|But|Or|If|When|While|This|These|In|On|For|To|With")
"""Words that are no line by themselves."""

_OPEN_ABBREVIATION = re.compile(r"(?:^|[\s(,])(?:e\.g|i\.e|vs|cf)\.?$", re.IGNORECASE)

_OPEN_OPERATOR = re.compile(r"(?:=|≈|→|\s[+*×÷−-])$")

_OPEN_AUXILIARY = re.compile(
    # Not after a pronoun ("yes, it is"), nor where a relative word is before ("how old he is").
    r"(?i)(?!.*\b(?:what|who|whom|how|where|why|when|which|as|than|so)\b)"
    r"(?:\S+\s+){3,}(?<!\bit\s)(?<!\b(?:he|we|so)\s)(?<!\b(?:she|you)\s)(?<!\bI\s)"
    r"(?<!\b(?:they|that|this|them|both|each|none)\s)(?<!\b(?:these|those|there)\s)"
    r"(?:is|are|was|were|am|will|can|has|have|had|do|does|did|would|should|could)$"
)

_OPEN_CJK = re.compile(
    r"(?:以及|并且|而且|但是|因为|由于|如果|例如|比如|譬如|包括|或者|即使|虽然"
    r"|(?<![饱总柔温缓调平谐祥随共不])和|(?<![参给赠授予])与|(?<![普涉波提顾危触未企以])及"
    r"|(?<![间])或|、|(?:等|大|小|位|属|由|关|对|至)于"
    r"|[^\W\d_]{4,}(?<![不就还都正也才倒可他她它我你们这那])是)$"
)


def strip_trailers(line: str) -> str:
    """`line` without what may follow a sentence end: closers, markup, footnote marks."""
    while True:
        shorter = _FOOTNOTE.sub("", line.rstrip(_CLOSERS))
        if shorter == line:
            return line
        line = shorter


def ends_sentence(line: str) -> bool:
    """Whether the line ends in a sentence end, a pictograph or a final word ("The end").

    Closing marks, footnotes or a remark in brackets may follow a sentence end.
    """
    line = line.rstrip()[-TAIL:]
    if line[-1:] in STOPS:
        return not _OPEN_ABBREVIATION.search(line)
    if _PICTOGRAPH.search(line) or _FINAL.fullmatch(line):
        return True
    bare = strip_trailers(line)
    return bare[-1:] in STOPS or strip_trailers(_REMARK.sub("", line))[-1:] in STOPS


def open_end(line: str) -> str | None:
    """The mark or word at the end that announces more (a comma, a colon, "and", 以及), or None."""
    bare = line.rstrip()[-TAIL:].rstrip("*_")
    if bare[-1:] in _OPEN_MARKS:
        return bare[-1:]
    if cjk := _OPEN_CJK.search(bare):
        return cjk.group()[-2:]
    if operator := _OPEN_OPERATOR.search(bare):
        return operator.group().strip()
    if _OPEN_AUXILIARY.fullmatch(bare):
        return bare.split()[-1]
    return _open_word(bare)


def _open_word(bare: str) -> str | None:
    if _OPEN_ABBREVIATION.search(bare):
        return bare.split()[-1]
    words = bare.rsplit(maxsplit=LATE)
    if len(words) == 1:
        return bare.strip() if _FIRST_WORDS.fullmatch(bare.strip()) else None
    open_word = (len(words) >= 2 and _OPEN_WORDS.fullmatch(words[-1])) or (
        len(words) >= LATE and _LATE_WORDS.fullmatch(words[-1])
    )
    return words[-1] if open_word else None
