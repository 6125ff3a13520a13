"""Brackets, code spans and formulas that a paragraph opens and does not close."""

from __future__ import annotations

import re

_PAIRS = {
    "(": ")",
    "[": "]",
    "{": "}",
    "（": "）",
    "［": "］",
    "｛": "｝",
    "【": "】",
    "〔": "〕",
    "〖": "〗",
    "「": "」",
    "『": "』",
    "《": "》",
    "〈": "〉",
}
_CLOSERS = {closer: opener for opener, closer in _PAIRS.items()}
_MARK = re.compile(f"[{re.escape(''.join((*_PAIRS, *_CLOSERS)))}]")
CJK_QUOTES = frozenset("「『")
"""Brackets that are quotation marks: they pair like brackets, whatever the language."""

_NOT_BRACKETS = re.compile(
    r"(?<!\S)[:;=][-^'o]?[()\[\]{}]+(?=\s|$)"  # emoticons
    r"|\\[(\[)\]{}]"  # escaped
    r"|\\(?:left|right|big|Big|bigg|Bigg)[lr]?\s?[()\[\].|]"  # sized by LaTeX, as they please
)
_BEGINS_ONE = re.compile(r"[:;=\\]")

_INTERVAL = 80
"""Characters that an interval has at most: [0, 2π) closes what a square bracket opened."""

_SPANS = re.compile(r"[`$\\]")
_TICKS = re.compile(r"(`+)")
_ESCAPED = re.compile(r"\\\[[^\]\\\n]{1,80}\]")
"""A bracket that Markdown escapes, as against a formula: \\[name]."""


def open_bracket(paragraph: str) -> str | None:
    """The innermost bracket (or CJK quotation mark) left open; None: all are closed.

    A closer without opener is ignored (an enumerator, 1)); one that skips over other openers
    closes those too; a square and a round bracket around a comma are an interval.
    """
    if not _MARK.search(paragraph):
        return None
    stack: list[tuple[str, int]] = []
    standing = dict.fromkeys(_PAIRS, 0)
    text = _NOT_BRACKETS.sub("", paragraph) if _BEGINS_ONE.search(paragraph) else paragraph
    for found in _MARK.finditer(text):
        mark, place = found.group(), found.start()
        if mark in _PAIRS:
            stack.append((mark, place))
            standing[mark] += 1
            continue
        opener = _CLOSERS[mark]
        if stack and _is_interval(stack[-1], mark, text, place):
            opener = stack[-1][0]
        if standing[opener]:
            closed = ""
            while closed != opener:
                closed = stack.pop()[0]
                standing[closed] -= 1
    return stack[-1][0] if stack else None


def _is_interval(opened: tuple[str, int], mark: str, text: str, place: int) -> bool:
    opener, begin = opened
    half_open = (opener == "[" and mark in ")[") or (opener == "(" and mark == "]")
    return half_open and place - begin <= _INTERVAL and "," in text[begin:place]


def without_spans(paragraph: str) -> tuple[str, bool]:
    """(the paragraph with its inline code emptied, whether code or a formula was left open).

    A run of backticks opens a span that the next run of the same length closes, as in CommonMark;
    a single one that nothing closes is open. Formulas are between $$, \\( and \\), \\[ and \\].
    """
    if not _SPANS.search(paragraph):
        return paragraph, False
    pieces = _TICKS.split(paragraph)
    closes: dict[int, int] = {}
    closer = [0] * len(pieces)
    for place in range(len(pieces) - 2, 0, -2):
        closer[place] = closes.get(len(pieces[place]), 0)
        closes[len(pieces[place])] = place
    kept: list[str] = []
    place, left_open = 0, False
    while place < len(pieces):
        if place % 2 == 0:
            kept.append(pieces[place])
        elif closer[place]:
            kept.append("``")
            place = closer[place]
        else:
            # `old style' quotations of GNU's manuals end in an apostrophe.
            left_open = left_open or (pieces[place] == "`" and "'" not in pieces[place + 1])
        place += 1
    rest = "".join(kept)
    formulas = _ESCAPED.sub("", rest)
    formula = (
        formulas.count("$$") % 2 == 1
        or formulas.count("\\(") > formulas.count("\\)")
        or formulas.count("\\[") > formulas.count("\\]")
    )
    return rest, left_open or formula
