"""Padded batches of texts of similar length."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence, Sized

import torch

IGNORED = -100
"""The label that the loss skips (torch's and transformers' convention)."""


def by_length(rows: Sequence[Sized], tokens: int, rng: random.Random) -> Iterator[list[int]]:
    """Groups of row numbers of similar length, in random order.

    A group times its longest row stays within `tokens`, unless one row alone is longer.
    """
    order = sorted(range(len(rows)), key=lambda i: len(rows[i]))
    groups: list[list[int]] = [[]]
    for i in order:
        if groups[-1] and (len(groups[-1]) + 1) * len(rows[i]) > tokens:
            groups.append([])
        groups[-1].append(i)
    rng.shuffle(groups)
    yield from groups


def pad(rows: Sequence[Sequence[int]], value: int) -> torch.Tensor:
    """The rows as one (rows, longest) tensor of ids, filled on the right with `value`.

    With causal attention nothing to the left sees the filling, so no attention mask is needed.
    """
    longest = max(map(len, rows))
    return torch.tensor([[*row, *[value] * (longest - len(row))] for row in rows])


def labels_of_answers(rows: Sequence[Sequence[int]], assistant: int) -> torch.Tensor:
    """Labels for `pad(rows, ...)`: only what follows the last `assistant` token is learnt."""
    labels = []
    for row in rows:
        start = len(row) - row[::-1].index(assistant)
        labels.append([*[IGNORED] * start, *row[start:]])
    return pad(labels, IGNORED)
