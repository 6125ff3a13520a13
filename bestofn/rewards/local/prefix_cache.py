"""Prefix cache: keys and values of texts, kept from one forward to the next (LRU by tokens)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from bestofn.rewards.local.shared_prefixes import Ids, common_prefix

KeyValue = tuple[Tensor, Tensor]
"""Keys and values of one layer: (kv heads, tokens, head size) each."""


@dataclass(frozen=True, slots=True, eq=False)
class CacheEntry:
    """One text's keys and values.

    Args:
        ids: the text.
        layers: of each layer, for every token.
    """

    ids: Ids
    layers: Sequence[KeyValue]

    def first(self, tokens: int) -> list[KeyValue]:
        """Those of its first `tokens`, without a copy."""
        return [(keys[:, :tokens], values[:, :tokens]) for keys, values in self.layers]


class PrefixCache:
    """Texts that were computed, by which of them was of use last.

    Args:
        max_tokens: that are kept, above which the longest unused go; a longer text is kept alone.
    """

    def __init__(self, max_tokens: int) -> None:
        self.max_tokens = max_tokens
        self._entries: list[CacheEntry] = []  # the last used at the end

    def find(self, text: Ids, most: int) -> tuple[CacheEntry | None, int]:
        """What shares most with the beginning of `text`, and how many tokens: `most` at most."""
        best, shared = None, 0
        for entry in self._entries:
            tokens = common_prefix(text, entry.ids, min(most, len(entry.ids)))
            if tokens > shared:
                best, shared = entry, tokens
        return best, shared

    def touch(self, entry: CacheEntry) -> None:
        """It was of use: it is dropped last."""
        self._entries.remove(entry)
        self._entries.append(entry)

    def make_room(self, tokens: int) -> None:
        """Drop what was unused longest until `tokens` more can be kept."""
        while self._entries and self.tokens + tokens > self.max_tokens:
            del self._entries[0]

    def put(self, entry: CacheEntry) -> None:
        """Keep it, instead of what it begins with."""
        self._entries = [
            each for each in self._entries if list(each.ids) != list(entry.ids[: len(each.ids)])
        ]
        self.make_room(len(entry.ids))
        self._entries.append(entry)

    def clear(self) -> bool:
        """Drop everything; whether there was anything."""
        held = bool(self._entries)
        self._entries = []
        return held

    @property
    def tokens(self) -> int:
        """How many are kept."""
        return sum(len(entry.ids) for entry in self._entries)
