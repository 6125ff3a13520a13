"""Tokens of a text without a tokenizer: words, numbers, CJK characters, marks.

It works for any script, for responses that come without token ids, and gives character offsets.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import islice

import numpy as np
import numpy.typing as npt

from bestofn.filters.data_lines import data_lines

Ids = npt.NDArray[np.int32]
Mask = npt.NDArray[np.bool_]

_UNSPACED = "぀-ヿ㐀-䶿一-鿿\uf900-\ufaff฀-๿຀-໿ក-៿က-႟\U00020000-\U0003ffff"
"""Scripts written without spaces (CJK ideographs, kana, Thai, Lao, Khmer, Burmese), as a regex
class: each character is a token."""

_TOKEN = re.compile(
    # A word of more than 40 characters is no word: its characters are tokens, so that a loop
    # inside it ("hahaha...") is seen. Identifiers and German compounds stay below 40.
    # Possessive and bounded, so that the scan is linear.
    rf"\d{{1,40}}+(?:[.,:]\d{{1,40}}+){{0,8}}+(?![\w{_UNSPACED}])"
    rf"|[^\W{_UNSPACED}]{{1,40}}+(?![^\W{_UNSPACED}])"
    r"|\S"
)
_CONTENT = re.compile("[^\\W\\d_]|[\U0001f000-\U0001faff☀-➿]")
"""Letters, and pictographs, which carry content as words do; box drawing and arrows do not."""


@dataclass(frozen=True, slots=True)
class Segments:
    """The tokens of a text, in order; whitespace is no token.

    Args:
        text: the text.
        ids: (tokens,) one number per token, equal where the tokens are equal.
        content: (tokens,) True where the token is a word, a CJK character or a pictograph.
        number: (tokens,) True where the token is a number.
    """

    text: str
    ids: Ids
    content: Mask
    number: Mask

    def __len__(self) -> int:
        return len(self.ids)

    def span(self, begin: int, end: int) -> tuple[int, int]:
        """Character offsets of tokens `begin` to `end` (exclusive); begin < end."""
        matches = list(islice(_TOKEN.finditer(self.text), begin, end))
        return matches[0].start(), matches[-1].end()


def segment(text: str) -> Segments:
    """Cut `text` into tokens, in linear time."""
    vocabulary: dict[str, int] = {}
    ids = [vocabulary.setdefault(token, len(vocabulary)) for token in _TOKEN.findall(text)]
    # A word of letters alone, as most are, needs no search.
    content = [token.isalpha() or bool(_CONTENT.search(token)) for token in vocabulary]
    number = [
        token[0].isdecimal() and not has for token, has in zip(vocabulary, content, strict=True)
    ]
    tokens = np.array(ids, dtype=np.int32)
    return Segments(
        text,
        tokens,
        np.array(content, dtype=np.bool_)[tokens],
        np.array(number, dtype=np.bool_)[tokens],
    )


def data_mask(segments: Segments) -> Mask:
    """(tokens,) True where the token stands in a line of data (see `data_lines`)."""
    flags: list[bool] = []
    for line, data in data_lines(segments.text):
        flags += [data] * len(_TOKEN.findall(line))
    return np.array(flags, dtype=np.bool_)
