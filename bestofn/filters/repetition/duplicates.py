"""Shares of a text that stand in it more than once: lines, paragraphs and n-grams."""

from __future__ import annotations

import re

import numpy as np

from bestofn.filters.repetition.segmentation import Ids, Mask

_WIDE = re.compile("[぀-ヿ㐀-䶿一-鿿\uf900-\ufaff]")
_LETTERS = re.compile(r"[^\W\d_]")
_PARAGRAPH = re.compile(r"\n[ \t]*\n\s*")

_COUNTER = re.compile(r"^(?:\d{1,4}[.):]|\(\d{1,4}\))\s{1,4}")
"""What numbers the entries of a list: entries that differ in nothing else are equal."""

SHORTEST = 12
"""Letters a line or a paragraph needs to count, a CJK character as two: below are the braces,
keywords and rules that repeat in every code and table."""


def duplicate_lines(text: str, prompt: str = "", *, code: bool = False) -> tuple[float, str]:
    """(share, example): see `_share`; lines."""
    return _share(text.splitlines(), prompt.splitlines(), code=code)


def duplicate_paragraphs(text: str, prompt: str = "", *, code: bool = False) -> tuple[float, str]:
    """(share, example): see `_share`; paragraphs are parted by blank lines."""
    return _share(_PARAGRAPH.split(text), _PARAGRAPH.split(prompt), code=code)


def _share(parts: list[str], given: list[str], *, code: bool) -> tuple[float, str]:
    """The share of characters (0 to 1) in parts that stood before, and the one that repeats most.

    Counts only parts with enough letters (`SHORTEST`) in the numerator, all in the denominator;
    the first of equal parts is no duplicate. The second is none either in what the prompt has,
    which an answer may give back, and in code, where a stub with its docstring stands before the
    function. Differences in outer whitespace are ignored.
    """
    allowed = dict.fromkeys((part.strip() for part in given), 2)
    seen: dict[str, int] = {}
    total = repeated = 0
    for part in (_COUNTER.sub("", part.strip()) for part in parts):
        total += len(part)
        if len(_LETTERS.findall(part)) + len(_WIDE.findall(part)) < SHORTEST:
            continue
        seen[part] = seen.get(part, 0) + 1
        if seen[part] > (2 if code else allowed.get(part, 1)):
            repeated += len(part)
    if not repeated:
        return 0.0, ""
    return repeated / total, max(seen, key=lambda part: (seen[part] - 1) * len(part))


def duplicate_ngrams(ids: Ids, content: Mask, n: int) -> float:
    """The share of content tokens (0 to 1) covered by n-grams that stood in the text before.

    Equal n-grams are found by a 64-bit polynomial hash, so a chance collision is possible and
    harmless (about 1e-13 for 1,000 tokens).
    """
    if len(ids) < n or not content.any():
        return 0.0
    windows = len(ids) - n + 1
    scattered = (ids.astype(np.uint64) + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
    hashes = np.zeros(windows, dtype=np.uint64)
    for offset in range(n):
        hashes = hashes * np.uint64(0x100000001B3) + (scattered[offset : offset + windows] >> 7)
    _, first = np.unique(hashes, return_index=True)
    again = np.ones(windows, dtype=np.int64)
    again[first] = 0
    # A token is covered where one of the n windows that hold it is a repeated one.
    edges = np.concatenate((np.cumsum(again), np.full(n - 1, again.sum())))
    before = np.concatenate((np.zeros(n, dtype=np.int64), np.cumsum(again)[:-1]))
    covered = (edges > before[: len(ids)]) & content
    return float(np.count_nonzero(covered) / np.count_nonzero(content))
