"""Owns how texts are laid out in a packed row: what is computed once, what is taken from before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch

from bestofn.rewards.local.packed_attention import Behind, Packing
from bestofn.rewards.local.prefix_cache import Kept, PrefixCache
from bestofn.rewards.local.readers import Places
from bestofn.rewards.local.shared_prefixes import Group, grouped

WORTH = 16
"""Tokens that texts have to share, so that a second attention is worth its while."""


@dataclass(frozen=True, slots=True)
class Share:
    """Texts that begin alike, and what of that beginning is there already.

    Args:
        group: which texts, and how many tokens they share.
        known: how many of their first tokens are taken from `kept`; 0: none.
        kept: where from.
    """

    group: Group
    known: int = 0
    kept: Kept | None = None

    def size(self, sequences: Sequence[Sequence[int]], members: int | None = None) -> int:
        """Tokens that are computed for it, or for its first `members`, the shared ones once."""
        chosen = self.group.members[:members]
        skipped = self.known or self.group.prefix
        own = sum(len(sequences[member]) - skipped for member in chosen)
        return own + (0 if self.known else self.group.prefix)


def shares(sequences: Sequence[Sequence[int]], places: Places, cache: PrefixCache) -> list[Share]:
    """What the texts share among each other and with what is kept; each text in one of them.

    Nothing is shared from a text's first place on: its state there is needed.
    """
    limits = [places(ids)[0] for ids in sequences]
    found: list[Share] = []
    for group in grouped(sequences, limits):
        if group.prefix >= WORTH:
            found.append(_known(group, sequences, group.prefix, cache))
        else:
            found += [
                _known(Group(0, (member,)), sequences, limits[member], cache)
                for member in group.members
            ]
    return found


def _known(
    group: Group, sequences: Sequence[Sequence[int]], most: int, cache: PrefixCache
) -> Share:
    kept, known = cache.find(sequences[group.members[0]], most)
    saves_more = known * len(group.members) >= group.prefix * (len(group.members) - 1)
    return Share(group, known, kept) if known >= WORTH and saves_more else Share(group)


@dataclass(slots=True)
class _Keeping:
    """A span of the row whose keys and values are kept, behind what was known of its text."""

    ids: Sequence[int]
    span: slice
    known: int = 0
    kept: Kept | None = None


@dataclass(slots=True)
class Row:
    """One packed row.

    Args:
        sequences: the texts.
        places: where they are read.
        cache: what is kept from earlier rows.

    Attributes:
        ids, positions: of the row's tokens.
        reads: of each text, its places in the row.
        computed: of each text, the tokens that are computed for it.
    """

    sequences: Sequence[Sequence[int]]
    places: Places
    cache: PrefixCache
    ids: list[int] = field(default_factory=list)
    positions: list[int] = field(default_factory=list)
    reads: list[list[int]] = field(init=False)
    computed: list[int] = field(init=False)
    _alone: list[slice] = field(default_factory=list)
    _behind: list[Behind] = field(default_factory=list)
    _keeping: list[_Keeping] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.reads = [[] for _ in self.sequences]
        self.computed = [0] * len(self.sequences)
        for share in shares(self.sequences, self.places, self.cache):
            if share.kept is not None:
                self._put_behind_kept(share, share.kept)
            elif share.group.prefix:
                self._put_behind_prefix(share.group)
            else:
                (member,) = share.group.members
                span = self._put(member, 0)
                self._alone.append(span)
                self._keeping.append(_Keeping(self.sequences[member], span))
        self._choose()

    def packing(self) -> Packing:
        """How it is made up."""
        return Packing(self._alone, self._behind, [keeping.span for keeping in self._keeping])

    def keep(self, packing: Packing) -> None:
        """Put what the forward has collected in `packing` into the cache."""
        for number, keeping in enumerate(self._keeping):
            layers = [layer[number] for layer in packing.collected]
            if keeping.kept is not None:
                layers = [
                    (torch.cat([k, keys], 1), torch.cat([v, values], 1))
                    for (k, v), (keys, values) in zip(
                        keeping.kept.first(keeping.known), layers, strict=True
                    )
                ]
            self.cache.put(Kept(keeping.ids, layers))

    def _put_behind_kept(self, share: Share, kept: Kept) -> None:
        self.cache.used(kept)
        spans = []
        for member in share.group.members:
            text, span = self.sequences[member], self._put(member, share.known)
            spans.append(span)
            # A prompt with its first answer is known; what goes far beyond it is a prompt anew.
            if len(share.group.members) == 1 and share.known * 2 < len(text):
                self._keeping.append(_Keeping(text, span, share.known, kept))
        self._behind.append(Behind(spans, kept.first(share.known)))

    def _put_behind_prefix(self, group: Group) -> None:
        first = group.members[0]
        prefix = self._append(self.sequences[first][: group.prefix], 0)
        self._alone.append(prefix)
        self._keeping.append(_Keeping(self.sequences[first][: group.prefix], prefix))
        self.computed[first] += group.prefix
        spans = [self._put(member, group.prefix) for member in group.members]
        self._behind.append(Behind(spans, prefix))

    def _put(self, member: int, known: int) -> slice:
        text = self.sequences[member]
        span = self._append(text[known:], known)
        self.reads[member] = [span.start + place - known for place in self.places(text)]
        self.computed[member] += len(text) - known
        return span

    def _append(self, ids: Sequence[int], position: int) -> slice:
        begin = len(self.ids)
        self.ids += ids
        self.positions += range(position, position + len(ids))
        return slice(begin, len(self.ids))

    def _choose(self) -> None:
        """Of what may be kept, the last that the cache can hold; and room for it."""
        chosen: list[_Keeping] = []
        room = self.cache.most
        for keeping in reversed(self._keeping):
            room -= len(keeping.ids)
            if chosen and room < 0:
                break
            chosen.insert(0, keeping)
        self._keeping = chosen
        self.cache.make_room(sum(len(keeping.ids) for keeping in chosen))
