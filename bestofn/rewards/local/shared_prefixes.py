"""Shared prefixes: groups of texts that begin alike, whose common tokens are computed once."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

Ids = Sequence[int]
"""Token ids of a text."""


@dataclass(frozen=True, slots=True)
class PrefixGroup:
    """Texts that begin alike.

    Args:
        prefix: how many tokens they share, before anything of theirs is read. 0 for a text alone.
        members: their places in what was given.
    """

    prefix: int
    members: tuple[int, ...]

    @classmethod
    def of(cls, prefix: int, members: Sequence[int]) -> PrefixGroup:
        """Texts of which any two share `prefix` tokens; one alone shares nothing."""
        return cls(prefix if len(members) > 1 else 0, tuple(members))


def group_by_prefix(sequences: Sequence[Ids], limits: Sequence[int]) -> list[PrefixGroup]:
    """Groups that save tokens, each text in one of them.

    The shared part is the longest common prefix of token ids: a text cut at the end of its prompt
    has other ids there than the whole. It may be longer than the prompt, where answers begin alike.
    The texts are sorted, and an interval of them is one group, or is parted where neighbours share
    least, whichever saves more. Time: O(n log n) comparisons of texts.

    Args:
        sequences: the texts.
        limits: how many of each text's first tokens may be shared, less than all.
    """
    if not sequences:
        return []
    order = sorted(range(len(sequences)), key=lambda i: list(sequences[i]))
    shared = [
        common_prefix(sequences[one], sequences[other], min(limits[one], limits[other]))
        for one, other in itertools.pairwise(order)
    ]
    return [
        PrefixGroup(min(shared[begin : end - 1], default=0), tuple(sorted(order[begin:end])))
        for begin, end in _intervals(shared)
    ]


def common_prefix(text: Ids, other: Ids, most: int) -> int:
    """How many tokens both begin with, `most` at most; neither may be shorter than that."""
    low, high = 0, most
    while low < high:
        middle = (low + high + 1) // 2
        if text[low:middle] == other[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def _intervals(shared: Sequence[int]) -> list[tuple[int, int]]:
    """(begin, end) of each group among the sorted texts, whose neighbours share `shared` tokens.

    The intervals are the nodes of a tree that has the least of `shared` at its root. It is built
    with a stack, from left to right; with each node stands what its best parts save.
    """
    stack: list[tuple[int, int, tuple[int, list[tuple[int, int]]]]] = []
    begin: int = 0
    part: tuple[int, list[tuple[int, int]]] = (0, [(0, 1)])
    for at, common in enumerate([*shared, -1]):
        end = at + 1
        while stack and stack[-1][0] >= common:
            least, begin, left = stack.pop()
            saved, parts = left[0] + part[0], left[1] + part[1]
            together = least * (end - begin - 1)
            part = (together, [(begin, end)]) if together > saved else (saved, parts)
        stack.append((common, begin, part))
        begin, part = end, (0, [(end, end + 1)])
    return stack[-1][2][1]
