"""Plan of packed forwards: which texts share one, within a budget of tokens.

Texts are grouped by what they begin with (`group_texts`); a `GroupCost` says how many tokens a
group takes, given what the cache has of it; `plan_batches` fills forwards with groups, the largest
first. Texts are grouped once a plan: the groups stay in each `Batch`, and its layout is made of
them (`bestofn.rewards.local.packed_layout`).
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from bestofn.rewards.local.batch import Batch
from bestofn.rewards.local.prefix_cache import CacheEntry, PrefixCache
from bestofn.rewards.local.shared_prefixes import Ids, PrefixGroup, group_by_prefix
from bestofn.rewards.text.positions import Positions

WORTH = 16
"""Tokens that texts have to share, so that a second attention is worth its while."""


def group_texts(texts: Sequence[Ids], positions: Positions) -> list[PrefixGroup]:
    """Groups of texts that share enough; each text in one of them.

    Nothing is shared from a text's first position on: its state there is needed.
    """
    found: list[PrefixGroup] = []
    for group in group_by_prefix(texts, [positions(ids)[0] for ids in texts]):
        if group.prefix >= WORTH:
            found.append(group)
        else:
            found += [PrefixGroup.of(0, [member]) for member in group.members]
    return found


@dataclass(frozen=True, slots=True)
class GroupCost:
    """What is computed of a group, given what the cache has of its beginning.

    Args:
        group: which texts, and how many tokens they share.
        cached: how many of their first tokens are taken from `entry`; 0: none.
        entry: where from.
    """

    group: PrefixGroup
    cached: int = 0
    entry: CacheEntry | None = None

    @classmethod
    def of(
        cls, group: PrefixGroup, texts: Sequence[Ids], positions: Positions, cache: PrefixCache
    ) -> GroupCost:
        """With the longest cached prefix, where that saves more than the group's own."""
        first = texts[group.members[0]]
        entry, cached = cache.find(first, group.prefix or positions(first)[0])
        saves_more = cached * len(group.members) >= group.prefix * (len(group.members) - 1)
        return cls(group, cached, entry) if cached >= WORTH and saves_more else cls(group)

    @property
    def prefix(self) -> int:
        """Tokens that are computed once for all of the texts."""
        return 0 if self.cached else self.group.prefix

    def own(self, text: Ids) -> int:
        """Tokens that are computed for one of the texts alone."""
        return len(text) - (self.cached or self.group.prefix)

    def size(self, texts: Sequence[Ids]) -> int:
        """Tokens that are computed for all of it."""
        return self.prefix + sum(self.own(texts[member]) for member in self.group.members)


def plan_batches(
    texts: Sequence[Ids], positions: Positions, cache: PrefixCache, max_tokens: int
) -> list[Batch]:
    """Every text once, in batches of at most `max_tokens` tokens, of which what is shared counts
    once; a longer text goes alone. The largest groups come first."""
    batches: list[list[PrefixGroup]] = []
    left = 0
    costs = [
        GroupCost.of(group, texts, positions, cache) for group in group_texts(texts, positions)
    ]
    sizes = [cost.size(texts) for cost in costs]
    for cost, size in sorted(zip(costs, sizes, strict=True), key=lambda each: -each[1]):
        if size > max_tokens:
            batches += [[part] for part in _parts(cost, texts, max_tokens)]
            left = 0
        elif size <= left:
            batches[-1].append(cost.group)
            left -= size
        else:
            batches.append([cost.group])
            left = max_tokens - size
    return [_batch(texts, groups) for groups in batches]


def _parts(cost: GroupCost, texts: Sequence[Ids], max_tokens: int) -> list[PrefixGroup]:
    """The group in several, one a batch: the first computes the prefix too, and the cache has it
    for the others. Each has one text at least, so that a batch of a long one may be larger."""
    parts: list[list[int]] = []
    left = 0
    for member in cost.group.members:
        own = cost.own(texts[member])
        if not parts or own > left:
            left = max_tokens - (0 if parts else cost.prefix)
            parts.append([])
        parts[-1].append(member)
        left -= own
    return [PrefixGroup.of(cost.group.prefix, part) for part in parts]


def _batch(texts: Sequence[Ids], groups: Sequence[PrefixGroup]) -> Batch:
    """The texts of some groups, whose members become places in the batch."""
    indices = [member for group in groups for member in group.members]
    places = itertools.count()
    placed = [
        PrefixGroup(group.prefix, tuple(itertools.islice(places, len(group.members))))
        for group in groups
    ]
    return Batch([texts[i] for i in indices], indices, placed)
