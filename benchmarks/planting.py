"""Faults that the filter benchmark plants into clean text: loops and cuts.

exact loop   p tokens of the text (p uniform in 1..60, or as many as the text allows) stand k times
             in a row instead of once. k is at least 4 and large enough for 24 tokens in all, plus
             0 to 12. At the tail: the text ends with the last copy. Inside: the rest follows.
near loop    as exact, with p in 8..60, at least 6 copies, and in each copy one varying part: either
             a counter that goes up, put in between two tokens, or one of the words, replaced by
             another word of the same text.
length cut   the text ends at any character, with finish_reason "length".
structural   the text ends between two tokens of one line, with finish_reason "stop", where a
cut          reader can know it from the text: inside a sentence (the line or, in prose whose lines
             are wrapped, the paragraph goes on after the cut, with at least one more word, to a
             full stop, question or exclamation mark, and the cut is not right after such a mark);
             or inside a structure: between an opening and its closing bracket or CJK quote, inside
             a fence, inside a row of a Markdown table. A cut at the end of a sentence, or inside a
             list item or title that never had a stop, cannot be known from the text and is not
             planted.

Tokens here are words, numbers, single CJK characters and single marks, cut by this module's own
expression, independent of the filter's.
"""

from __future__ import annotations

import itertools
import random
import re

_TOKEN = re.compile(r"[一-鿿぀-ヿ]|[^\W一-鿿぀-ヿ]+|[^\w\s]")
_WORD = re.compile(r"[^\W\d_]")
_STOP = re.compile(r"[.!?](?=[\"')\]”’*_]*(\s|$))|[。！？…]")
_PAIRS = {
    "(": ")",
    "[": "]",
    "{": "}",
    "（": "）",
    "「": "」",
    "『": "』",
    "《": "》",
    "【": "】",
    "“": "”",
}
_FENCE = re.compile(r"^ {0,3}(```|~~~)", re.MULTILINE)


def exact_loop(text: str, where: str, rng: random.Random) -> tuple[str, int] | None:
    """(`text` with an exact loop at the "tail" or "inside", its period); None: it is too short."""
    found = _segment(text, rng, 1)
    if found is None:
        return None
    begin, end, period = found
    copies = max(4, -(-24 // period)) + rng.randrange(13)
    loop = _joint(text[begin:end]) * copies
    return text[:begin] + (loop.rstrip() if where == "tail" else loop + text[end:]), period


def near_loop(text: str, where: str, rng: random.Random) -> tuple[str, int] | None:
    """As `exact_loop`, with one varying part in each copy."""
    found = _segment(text, rng, 8)
    if found is None:
        return None
    begin, end, period = found
    tokens = list(_TOKEN.finditer(text, begin, end))
    slot = rng.choice([t for t in tokens if _WORD.search(t.group())])
    others = [w for w in _TOKEN.findall(text) if _WORD.search(w)]
    counter = rng.random() < 0.5
    first = rng.randrange(1, 30)
    loop = ""
    for copy in range(6 + rng.randrange(11)):
        varying = f"{slot.group()} {first + copy} " if counter else rng.choice(others)
        loop += _joint(text[begin : slot.start()] + varying + text[slot.end() : end])
    return text[:begin] + (loop.rstrip() if where == "tail" else loop + text[end:]), period


def _segment(text: str, rng: random.Random, shortest: int) -> tuple[int, int, int] | None:
    """(first character, last character + 1, tokens) of a segment that holds a word."""
    tokens = list(_TOKEN.finditer(text))
    if len(tokens) < max(12, shortest + 1):
        return None
    for _ in range(20):
        period = rng.randint(shortest, min(60, len(tokens) - 1))
        first = rng.randrange(len(tokens) - period)
        begin, end = tokens[first].start(), tokens[first + period].start()
        if _WORD.search(text[begin:end]):
            return begin, end, period
    return None


def _joint(segment: str) -> str:
    """`segment`, with a space where its last word would grow into the next copy's first."""
    glued = segment[-1:].isalnum() and segment[:1].isalnum() and segment[-1:].isascii()
    return segment + " " if glued else segment


def length_cut(text: str, rng: random.Random) -> str:
    """A prefix of `text` of 20 to 95 % of its characters."""
    return text[: max(1, int(len(text) * rng.uniform(0.2, 0.95)))]


def structural_cut(text: str, rng: random.Random) -> str | None:
    """`text` cut inside a sentence or a structure, at 20 to 95 %; None where there is no place."""
    tokens = list(_TOKEN.finditer(text))
    places = [
        (left.end(), right.start())
        for left, right in itertools.pairwise(tokens)
        if 0.2 * len(text) <= left.end() <= 0.95 * len(text)
        and "\n" not in text[left.end() : right.start()]
    ]
    rng.shuffle(places)
    for cut, following in places[:40]:
        if _knowable(text, cut, following):
            return text[:cut]
    return None


def words(text: str) -> float:
    """How many words `text` has; a CJK character is half a word."""
    cjk = len(re.findall(r"[一-鿿぀-ヿ]", text))
    rest = re.sub(r"[一-鿿぀-ヿ]", " ", text).split()
    return cjk / 2 + sum(_WORD.search(word) is not None for word in rest)


def _knowable(text: str, cut: int, following: int) -> bool:
    head, tail = text[:cut], text[following:]
    if len(_FENCE.findall(head)) % 2:
        return True
    line = head.rpartition("\n")[2] + text[cut:].partition("\n")[0]
    if line.count("|") >= 3 and line.strip().startswith("|") and line.strip().endswith("|"):
        return text[cut:].partition("\n")[0].strip() != "|"
    if _inside_brackets(head, tail):
        return True
    if _STOP.search(head[-1:]) or _STOP.search(re.sub(r"[\"')\]”’*_\s]+$", "", head)[-1:]):
        return False
    # A sentence may go on over wrapped lines, but not into a new item, row or paragraph.
    rest = re.split(r"\n\s*(?:\n|[-*+|#>]|\d+[.)])", tail)[0]
    stop = _STOP.search(rest)
    return stop is not None and _WORD.search(rest[: stop.start()]) is not None


def _inside_brackets(head: str, tail: str) -> bool:
    """Whether a bracket opened in the last paragraph before the cut is closed in the next after."""
    stack: list[str] = []
    for mark in re.split(r"\n\s*\n", head)[-1]:
        if mark in _PAIRS:
            stack.append(_PAIRS[mark])
        elif stack and mark == stack[-1]:
            stack.pop()
    return bool(stack) and stack[-1] in re.split(r"\n\s*\n", tail)[0]
