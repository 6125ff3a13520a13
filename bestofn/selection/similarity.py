"""Similarity of texts: Jaccard's over character n-grams, and ROUGE-L over words.

Both are 0 for texts that share nothing and 1 for texts that are the same, case and white space
aside, and neither needs a model.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Hashable, Sequence
from typing import Literal

Measure = Literal["ngrams", "rouge-l"]
"""ngrams: Jaccard over character 3-grams, linear in the length. rouge-l: F1 of the longest common
subsequence of words, the product of both lengths."""

LONGEST = 4_000
"""Characters of each text that are compared, its last ones: answers end with what they come to. The
cost grows with them, and with the square of N: 16 texts of 4,000 take about 20 ms by n-grams."""

LONGEST_WORDS = 300
"""Words of each text that ROUGE-L compares, the last ones."""

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
    return _table(len(texts), lambda i, j: _rouge_l(words[i], words[j]))


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


def _rouge_l(one: Sequence[Hashable], other: Sequence[Hashable]) -> float:
    """F1 of the longest common subsequence (Lin 2004)."""
    if not one or not other:
        return float(one == other)
    row = [0] * (len(other) + 1)
    for word in one:
        before = 0
        for at, each in enumerate(other, start=1):
            above = row[at]
            row[at] = before + 1 if word == each else max(above, row[at - 1])
            before = above
    return 2 * row[-1] / (len(one) + len(other))


_PREPARED: dict[Measure, Callable[[Sequence[str]], list[list[float]]]] = {
    "ngrams": _by_grams,
    "rouge-l": _by_words,
}
