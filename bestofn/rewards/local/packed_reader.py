"""Packed forwards: no padding, and what texts share is computed once."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from bestofn.rewards.local.batch import Batch
from bestofn.rewards.local.packed_attention import packed_as
from bestofn.rewards.local.packed_layout import PackedLayout
from bestofn.rewards.local.packed_plan import group_texts, plan_batches
from bestofn.rewards.local.prefix_cache import PrefixCache
from bestofn.rewards.local.readers import Head, Reading
from bestofn.rewards.local.shared_prefixes import Ids


class PackedReader:
    """A causal trunk with a head over packed sequences: no padding, shared prefixes once.

    Keys and values of prefixes, and of texts that came alone, are kept for what comes next: for the
    rest of a group that is larger than the budget, and for candidates that arrive one by one. So
    memory is that of one forward and of the cache, or of one text where that is longer.

    Args:
        trunk: of transformers, with its attention set to
            `bestofn.rewards.local.packed_attention.NAME`.
        head: where and by what it is read.
        cache_tokens: tokens whose keys and values are kept at most.
    """

    def __init__(self, trunk: nn.Module, head: Head, cache_tokens: int) -> None:
        self.model = trunk
        self._head = head
        self._cache = PrefixCache(cache_tokens)

    def plan(self, texts: Sequence[Ids], max_tokens: int) -> list[Batch]:
        """See `Reader`; what is shared counts once."""
        return plan_batches(texts, self._head.positions, self._cache, max_tokens)

    def release(self) -> bool:
        """See `Reader`."""
        return self._cache.clear()

    @torch.inference_mode()
    def __call__(self, texts: Sequence[Ids]) -> list[Reading]:
        """See `Reader`."""
        layout = PackedLayout(self._grouped(texts), self._head.positions, self._cache)
        packing = layout.packing()
        device = next(self.model.parameters()).device
        with packed_as(packing):
            hidden = self.model(
                input_ids=torch.tensor([layout.ids], device=device),
                position_ids=torch.tensor([layout.position_ids], device=device),
                use_cache=False,
            ).last_hidden_state
        reads = torch.tensor([at for reads in layout.reads for at in reads], device=device)
        values = self._head.values(hidden[0, reads], [len(reads) for reads in layout.reads])
        layout.keep(packing)
        return [Reading(*each) for each in zip(values, layout.computed, strict=True)]

    def _grouped(self, texts: Sequence[Ids]) -> Batch:
        """The batch as it was planned; texts that nobody planned are grouped here."""
        if isinstance(texts, Batch):
            return texts
        return Batch(texts, range(len(texts)), group_texts(texts, self._head.positions))
