"""`Batch`: texts that share one forward, as `Reader.plan` puts them together."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import overload

from bestofn.rewards.local.shared_prefixes import Ids, PrefixGroup


@dataclass(frozen=True, slots=True)
class Batch(Sequence[Ids]):
    """Texts that share a forward; a sequence of their ids.

    Args:
        texts: their ids.
        indices: of each, where it stands in what was planned.
        groups: which of them share a prefix, each in one group, by their place here; empty where
            each is computed whole.
    """

    texts: Sequence[Ids]
    indices: Sequence[int]
    groups: Sequence[PrefixGroup] = ()

    def __len__(self) -> int:
        return len(self.texts)

    @overload
    def __getitem__(self, index: int) -> Ids: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Ids]: ...
    def __getitem__(self, index: int | slice) -> Ids | Sequence[Ids]:
        return self.texts[index]

    def only(self, wanted: Sequence[bool]) -> Batch:
        """Without the texts that nobody waits for any more."""
        if all(wanted):
            return self
        place = list(itertools.accumulate(wanted, initial=0))  # of each that stays
        groups = [
            PrefixGroup.of(group.prefix, [place[at] for at in group.members if wanted[at]])
            for group in self.groups
        ]
        return Batch(
            list(itertools.compress(self.texts, wanted)),
            list(itertools.compress(self.indices, wanted)),
            [group for group in groups if group.members],
        )
