"""Owns the keys and values that are kept from one forward to the next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from bestofn.rewards.local.shared_prefixes import common

KeyValue = tuple[Tensor, Tensor]
"""Keys and values of one layer: (kv heads, tokens, head size) each."""


@dataclass(frozen=True, slots=True, eq=False)
class Kept:
    """One text's keys and values.

    Args:
        ids: the text.
        layers: of each layer, for every token.
    """

    ids: Sequence[int]
    layers: Sequence[KeyValue]

    def first(self, tokens: int) -> list[KeyValue]:
        """Those of its first `tokens`, without a copy."""
        return [(keys[:, :tokens], values[:, :tokens]) for keys, values in self.layers]


class PrefixCache:
    """Texts that were computed, by which of them was of use last.

    Args:
        most: tokens that are kept at most, above which the longest unused go; a longer one is
            kept alone.
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self._kept: list[Kept] = []  # the last used at the end

    def find(self, text: Sequence[int], most: int) -> tuple[Kept | None, int]:
        """What shares most with the beginning of `text`, and how many tokens: `most` at most."""
        best, shared = None, 0
        for kept in self._kept:
            tokens = common(text, kept.ids, min(most, len(kept.ids)))
            if tokens > shared:
                best, shared = kept, tokens
        return best, shared

    def used(self, kept: Kept) -> None:
        """It goes last."""
        self._kept.remove(kept)
        self._kept.append(kept)

    def make_room(self, tokens: int) -> None:
        """Drop what was unused longest until `tokens` more can be kept."""
        while self._kept and self.tokens + tokens > self.most:
            del self._kept[0]

    def put(self, kept: Kept) -> None:
        """Keep it, instead of what it begins with."""
        self._kept = [
            each for each in self._kept if list(each.ids) != list(kept.ids[: len(each.ids)])
        ]
        self.make_room(len(kept.ids))
        self._kept.append(kept)

    def clear(self) -> bool:
        """Drop everything; whether there was anything."""
        held = bool(self._kept)
        self._kept = []
        return held

    @property
    def tokens(self) -> int:
        """How many are kept."""
        return sum(len(kept.ids) for kept in self._kept)
