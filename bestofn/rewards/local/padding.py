"""Padded batches: which texts share one, and the tensors that they become."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from bestofn.rewards.local.batch import Batch
from bestofn.rewards.local.shared_prefixes import Ids

PAD = 0
"""The id under the padding: any will do, since it is masked and never read."""


def plan(lengths: Sequence[int], max_tokens: int, *, pads: bool = True) -> list[list[int]]:
    """Groups indices into batches of at most `max_tokens` tokens, padding counted.

    Longest first, so that a batch that does not fit in memory fails at once; equal lengths in
    the order given. A text longer than the budget goes alone.

    Args:
        lengths: tokens of each text.
        max_tokens: the budget of one batch: texts times the longest.
        pads: whether different lengths may share a batch.
    """
    batches: list[list[int]] = []
    for index in sorted(range(len(lengths)), key=lambda i: -lengths[i]):
        if batches:
            batch = batches[-1]
            width = lengths[batch[0]]
            if width * (len(batch) + 1) <= max_tokens and (pads or width == lengths[index]):
                batch.append(index)
                continue
        batches.append([index])
    return batches


def padded_batches(texts: Sequence[Ids], max_tokens: int, *, pads: bool = True) -> list[Batch]:
    """The texts in the batches of `plan`."""
    planned = plan([len(ids) for ids in texts], max_tokens, pads=pads)
    return [Batch([texts[i] for i in indices], indices) for indices in planned]


def pad_right(texts: Sequence[Ids], device: torch.device) -> dict[str, Tensor]:
    """`input_ids` (batch, longest), and `attention_mask` where lengths differ."""
    lengths = [len(ids) for ids in texts]
    width = max(lengths)
    rows = [[*ids, *[PAD] * (width - len(ids))] for ids in texts]
    inputs = {"input_ids": torch.tensor(rows, device=device)}
    if min(lengths) < width:
        columns = torch.arange(width, device=device)
        real = columns < torch.tensor(lengths, device=device)[:, None]
        inputs["attention_mask"] = real.long()
    return inputs
