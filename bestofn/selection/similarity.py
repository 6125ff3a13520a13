"""Similarity of texts: Jaccard's over character n-grams, and ROUGE-L over words.

Both are 0 for texts that share nothing and 1 for texts that are the same, case and white space
aside, and neither needs a model.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Literal

Measure = Literal["ngrams", "rouge-l"]
"""ngrams: Jaccard over character 3-grams, linear in the length. rouge-l: F1 of the longest common
subsequence of words."""

LONGEST = 4_000
"""Characters of each text that are compared, its last ones: answers end with what they come to. The
cost grows with them, and with the square of N: 16 texts of 4,000 take about 20 ms by n-grams."""

LONGEST_WORDS = 300
"""Words of each text that ROUGE-L compares, the last ones: 64 texts of so many take some 0.3 s."""

GRAM = 3
"""Characters of an n-gram."""


def similarities(texts: Sequence[str], measure: Measure) -> list[list[float]]:
    """The similarity of each text to each: symmetric, 1 on the diagonal."""
    return _PREPARED[measure](texts)


def _by_grams(texts: Sequence[str]) -> list[list[float]]:
    grams = [_grams(text) for text in texts]
    return _table(len(texts), lambda i, j: _jaccard(grams[i], grams[j]))


def _by_words(texts: Sequence[str]) -> list[list[float]]:
    words = [_plain(text).split()[-LONGEST_WORDS:] for text in texts]
    places = [_places(each) for each in words]
    return _table(len(texts), lambda i, j: _rouge_l(words[i], words[j], places[j]))


def _table(size: int, of: Callable[[int, int], float]) -> list[list[float]]:
    table = [[1.0] * size for _ in range(size)]
    for i in range(size):
        for j in range(i):
            table[i][j] = table[j][i] = of(i, j)
    return table


def _plain(text: str) -> str:
    return unicodedata.normalize("NFKC", text[-LONGEST:]).casefold()


def _grams(text: str) -> set[str]:
    plain = "".join(_plain(text).split())
    return {plain[at : at + GRAM] for at in range(max(1, len(plain) - GRAM + 1))}


def _jaccard(one: set[str], other: set[str]) -> float:
    shared = len(one & other)
    return shared / (len(one) + len(other) - shared)


def _places(words: Sequence[Hashable]) -> dict[Hashable, int]:
    """Where each word stands, a bit for each place."""
    places: dict[Hashable, int] = {}
    for at, word in enumerate(words):
        places[word] = places.get(word, 0) | 1 << at
    return places


def _rouge_l(
    one: Sequence[Hashable], other: Sequence[Hashable], places: Mapping[Hashable, int]
) -> float:
    """F1 of the longest common subsequence (Lin 2004), whose length is found for all places of
    `other` at once: a row of the table is an integer, and its bits that are 0 are where the length
    rises (Hyyrö 2004, "Bit-parallel LCS-length computation revisited").

    Args:
        one, other: words.
        places: of `other`.
    """
    if not one or not other:
        return float(one == other)
    whole = (1 << len(other)) - 1
    row = whole
    for word in one:
        matched = row & places.get(word, 0)
        row = ((row + matched) | (row - matched)) & whole
    common = len(other) - row.bit_count()
    return 2 * common / (len(one) + len(other))


_PREPARED: dict[Measure, Callable[[Sequence[str]], list[list[float]]]] = {
    "ngrams": _by_grams,
    "rouge-l": _by_words,
}
