"""Floods: white space without end, and very few words in irregular order without end."""

from __future__ import annotations

import re

import numpy as np

from bestofn.filters.repetition.segmentation import Mask, Segments, token_texts

_SPACE = re.compile(
    r"[^\S\n]{200,}+|(?:\n[^\S\n]{0,200}+){25,}+|(?:&nbsp;\s?){40,}+|(?:<br ?/?>\s{0,4}){40,}+"
)
"""Two hundred blanks in a line, or twenty-five lines without anything: no layout has them."""

WINDOW, KINDS = 120, 5
"""Tokens of content of which at most so many are different: the language of nobody."""


def white_space(text: str) -> tuple[int, int] | None:
    """(where a flood of white space begins, its characters), where something else is there too.

    Only white space is the empty filter's; at the end of the text it counts as within it.
    """
    if not text.strip():
        return None
    found = _SPACE.search(text)
    return (found.start(), found.end() - found.start()) if found else None


def few_words(segments: Segments, counted: Mask) -> tuple[int, int] | None:
    """(first, last + 1 token) of a stretch of `WINDOW` words that knows only `KINDS` of them.

    Tokens outside of `counted`, and words of one letter (truth tables, DNA), do not count.
    """
    places = np.flatnonzero(counted & segments.content)
    if len(places) < WINDOW:
        return None
    ids = segments.ids[places]
    for begin in range(0, len(ids) - WINDOW + 1, WINDOW // 2):
        if len(np.unique(ids[begin : begin + WINDOW])) <= KINDS:
            first, last = int(places[begin]), int(places[begin + WINDOW - 1])
            words = set(token_texts(segments)[first : last + 1])
            if sum(len(word) > 1 or not word.isascii() for word in words) >= 2:
                return first, last + 1
    return None
