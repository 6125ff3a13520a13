"""Owns the forward pass without padding, in which what texts share is computed once."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from bestofn.rewards.local.packed_layout import Row, Share, shares
from bestofn.rewards.local.prefix_cache import PrefixCache
from bestofn.rewards.local.readers import Reading, Readout


class PackedReader:
    """A causal trunk with a head over packed rows: no padding, shared prefixes once.

    Keys and values of prefixes, and of texts that came alone, are kept for what comes next: for the
    rest of a group that is larger than the budget, and for candidates that arrive one by one. So
    memory is that of one row and of `cache_tokens`, or of one text where that is longer.

    Args:
        trunk: of transformers, with its attention set to `attention.NAME`.
        readout: where it is read.
        cache_tokens: tokens whose keys and values are kept at most.
    """

    def __init__(self, trunk: nn.Module, readout: Readout, cache_tokens: int) -> None:
        self.model = trunk
        self._readout = readout
        self._cache = PrefixCache(cache_tokens)

    def plan(self, sequences: Sequence[Sequence[int]], max_tokens: int) -> list[list[int]]:
        """Rows of at most `max_tokens` tokens, what is shared once; see `Reader`."""
        rows: list[list[int]] = []
        left = 0
        found = shares(sequences, self._readout.places, self._cache)
        for share in sorted(found, key=lambda share: -share.size(sequences)):
            size = share.size(sequences)
            if size > max_tokens:
                rows += _cut(share, sequences, max_tokens)
                left = 0
            elif size <= left:
                rows[-1] += share.group.members
                left -= size
            else:
                rows.append([*share.group.members])
                left = max_tokens - size
        return rows

    def release(self) -> bool:
        """See `Reader`."""
        return self._cache.clear()

    @torch.inference_mode()
    def __call__(self, sequences: Sequence[Sequence[int]]) -> list[Reading]:
        """See `Reader`."""
        row = Row(sequences, self._readout.places, self._cache)
        packing = row.packing()
        device = next(self.model.parameters()).device
        hidden = self.model(
            input_ids=torch.tensor([row.ids], device=device),
            position_ids=torch.tensor([row.positions], device=device),
            use_cache=False,
            packing=packing,
        ).last_hidden_state
        reads = torch.tensor([place for at in row.reads for place in at], device=device)
        values = self._readout.values(hidden[0, reads], [len(at) for at in row.reads])
        row.keep(packing)
        return [Reading(*each) for each in zip(values, row.computed, strict=True)]


def _cut(share: Share, sequences: Sequence[Sequence[int]], max_tokens: int) -> list[list[int]]:
    """The members in rows of their own, of which the first has the prefix too; at least one text
    a row, so that a row of a long one may be larger."""
    rows: list[list[int]] = []
    left = 0
    for member in share.group.members:
        own = len(sequences[member]) - (share.known or share.group.prefix)
        if not rows or own > left:
            left = max_tokens - (0 if rows or share.known else share.group.prefix)
            rows.append([])
        rows[-1].append(member)
        left -= own
    return rows
