"""Layout of a packed sequence: text after text, what they share once or from the cache."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch

from bestofn.rewards.local.batch import Batch
from bestofn.rewards.local.packed_attention import Packing, SharedPrefix
from bestofn.rewards.local.packed_plan import GroupCost
from bestofn.rewards.local.prefix_cache import CacheEntry, PrefixCache
from bestofn.rewards.local.shared_prefixes import Ids, PrefixGroup
from bestofn.rewards.text.positions import Positions


@dataclass(slots=True)
class _Keeping:
    """A span whose keys and values are to be kept, behind what the cache has of its text."""

    ids: Ids
    span: slice
    cached: int = 0
    entry: CacheEntry | None = None


@dataclass(slots=True)
class PackedLayout:
    """Where the texts of a batch stand in one packed sequence.

    Args:
        batch: the texts, and which of them share a prefix.
        positions: of a text to where it is read.
        cache: what is kept from earlier forwards.

    Attributes:
        ids, position_ids: of the sequence's tokens.
        reads: of each text, where it is read in the sequence.
        computed: of each text, the tokens that are computed for it.
    """

    batch: Batch
    positions: Positions
    cache: PrefixCache
    ids: list[int] = field(default_factory=list)
    position_ids: list[int] = field(default_factory=list)
    reads: list[list[int]] = field(init=False)
    computed: list[int] = field(init=False)
    _standalone: list[slice] = field(default_factory=list)
    _shared: list[SharedPrefix] = field(default_factory=list)
    _keeping: list[_Keeping] = field(default_factory=list)

    def __post_init__(self) -> None:
        texts = self.batch.texts
        self.reads = [[] for _ in texts]
        self.computed = [0] * len(texts)
        # The cache may have moved since the batch was planned: an earlier part of a group has put
        # its prefix there, or something went.
        costs = [
            GroupCost.of(group, texts, self.positions, self.cache) for group in self.batch.groups
        ]
        for cost in costs:
            if cost.entry is not None:
                self._put_behind_cached(cost, cost.entry)
            elif cost.group.prefix:
                self._put_behind_prefix(cost.group)
            else:
                (member,) = cost.group.members
                span = self._put(member, 0)
                self._standalone.append(span)
                self._keeping.append(_Keeping(texts[member], span))
        self._choose()

    def packing(self) -> Packing:
        """How attention sees it."""
        return Packing(self._standalone, self._shared, [keeping.span for keeping in self._keeping])

    def keep(self, packing: Packing) -> None:
        """Put what the forward has collected in `packing` into the cache."""
        for number, keeping in enumerate(self._keeping):
            layers = [layer[number] for layer in packing.collected]
            if keeping.entry is not None:
                layers = [
                    (torch.cat([k, keys], 1), torch.cat([v, values], 1))
                    for (k, v), (keys, values) in zip(
                        keeping.entry.first(keeping.cached), layers, strict=True
                    )
                ]
            self.cache.put(CacheEntry(keeping.ids, layers))

    def _put_behind_cached(self, cost: GroupCost, entry: CacheEntry) -> None:
        self.cache.touch(entry)
        spans = []
        for member in cost.group.members:
            text, span = self.batch.texts[member], self._put(member, cost.cached)
            spans.append(span)
            # A prompt with its first answer is known; what goes far beyond it is a prompt anew.
            if len(cost.group.members) == 1 and cost.cached * 2 < len(text):
                self._keeping.append(_Keeping(text, span, cost.cached, entry))
        self._shared.append(SharedPrefix(spans, entry.first(cost.cached)))

    def _put_behind_prefix(self, group: PrefixGroup) -> None:
        first = group.members[0]
        prefix = self._append(self.batch.texts[first][: group.prefix], 0)
        self._standalone.append(prefix)
        self._keeping.append(_Keeping(self.batch.texts[first][: group.prefix], prefix))
        self.computed[first] += group.prefix
        spans = [self._put(member, group.prefix) for member in group.members]
        self._shared.append(SharedPrefix(spans, prefix))

    def _put(self, member: int, skipped: int) -> slice:
        text = self.batch.texts[member]
        span = self._append(text[skipped:], skipped)
        self.reads[member] = [span.start + at - skipped for at in self.positions(text)]
        self.computed[member] += len(text) - skipped
        return span

    def _append(self, ids: Ids, first: int) -> slice:
        begin = len(self.ids)
        self.ids += ids
        self.position_ids += range(first, first + len(ids))
        return slice(begin, len(self.ids))

    def _choose(self) -> None:
        """Of what may be kept, the last that the cache can hold; and room for it."""
        chosen: list[_Keeping] = []
        room = self.cache.max_tokens
        for keeping in reversed(self._keeping):
            room -= len(keeping.ids)
            if chosen and room < 0:
                break
            chosen.insert(0, keeping)
        self._keeping = chosen
        self.cache.make_room(sum(len(keeping.ids) for keeping in chosen))
