"""Owns the forward pass without padding, in which what texts share is computed once."""

from __future__ import annotations

import logging
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from bestofn.rewards.attention import NAME, Behind, KeyValue, Packing, UnsupportedError
from bestofn.rewards.forward import LastTokenReader, Reader, halving
from bestofn.rewards.prefixes import Group, common, grouped
from bestofn.rewards.wording import first_line

logger = logging.getLogger(__name__)

WORTH = 16
"""Tokens that texts have to share, so that a second attention is worth its while."""

_PROBE = ((24, 9), (24, 20), (24, 1), (0, 11))
"""(shared, further) tokens of the texts on which a model shows that it reads packed rows right."""

_EXACT, _ROUNDED = 1e-3, 0.05
"""By how much the probe's rewards may differ, relative where they are above 1: in float32, and in
half precision, where batch shapes alone move rewards."""


class PackedReader:
    """A causal trunk with a head over packed rows: no padding, shared prefixes once.

    The keys and values of one prefix, or of one text, are kept for what comes next: for the rest of
    a group that is larger than the budget, and for candidates that arrive one by one. So memory is
    at most that of one row and of one text.

    Args:
        trunk: of transformers, with its attention set to `attention.NAME`.
        head: hidden to one number; it works in float32, see `LastTokenReader`.
    """

    def __init__(self, trunk: nn.Module, head: nn.Linear) -> None:
        self._trunk = trunk
        self._head = head.float()
        self._kept: tuple[Sequence[int], list[KeyValue]] = ((), [])

    def plan(self, sequences: Sequence[Sequence[int]], max_tokens: int) -> list[list[int]]:
        """Rows of at most `max_tokens` tokens, prefixes counted once; see `Reader`."""
        rows: list[list[int]] = []
        left = 0
        groups = [(_size(group, sequences), group) for group in _worthy(sequences)]
        for size, group in sorted(groups, key=lambda sized: -sized[0]):
            if size > max_tokens:
                rows += _cut(group, sequences, max_tokens)
            elif size <= left:
                rows[-1] += group.members
                left -= size
            else:
                rows.append([*group.members])
                left = max_tokens - size
        return rows

    def __call__(self, sequences: Sequence[Sequence[int]]) -> list[float]:
        """See `Reader`."""
        return halving(self._read, sequences)

    @torch.inference_mode()
    def _read(self, sequences: Sequence[Sequence[int]]) -> list[float]:
        row = _Row(sequences, *self._kept)
        device = self._head.weight.device
        packing = row.packing()
        hidden = self._trunk(
            input_ids=torch.tensor([row.ids], device=device),
            position_ids=torch.tensor([row.positions], device=device),
            use_cache=False,
            packing=packing,
        ).last_hidden_state
        if packing.cache:
            self._kept = (row.last, packing.cache)
        at_end: Tensor = hidden[0, torch.tensor(row.ends, device=device)]
        rewards: list[float] = self._head(at_end.float())[:, 0].tolist()
        return rewards


class _Row:
    """One packed row as it is put together: ids, positions, and where every text ends."""

    def __init__(
        self,
        sequences: Sequence[Sequence[int]],
        kept_text: Sequence[int],
        kept: Sequence[KeyValue],
    ) -> None:
        self.ids: list[int] = []
        self.positions: list[int] = []
        self.ends = [0] * len(sequences)
        self.last: Sequence[int] = ()
        self._own: list[tuple[int, int]] = []
        self._behind: list[Behind] = []
        self._last: tuple[int, int] | None = None
        for group in _worthy(sequences):
            texts = [sequences[member] for member in group.members]
            known = min(common(text, kept_text, len(kept_text)) for text in texts)
            if known >= WORTH and known * len(texts) >= group.prefix * (len(texts) - 1):
                self._put_behind(
                    group, texts, known, [(k[:, :known], v[:, :known]) for k, v in kept]
                )
            elif group.prefix:
                prefix = slice(*self._put_whole(texts[0][: group.prefix]))
                self._put_behind(group, texts, group.prefix, prefix)
            else:
                self.ends[group.members[0]] = self._put_whole(texts[0])[1] - 1

    def packing(self) -> Packing:
        """How it is made up. What stands last in it from its first token on, a prefix or a text
        alone, is kept: what comes next may begin with it."""
        return Packing(self._own, self._behind, self._last)

    def _put_behind(
        self,
        group: Group,
        texts: Sequence[Sequence[int]],
        known: int,
        prefix: slice | Sequence[KeyValue],
    ) -> None:
        begin = len(self.ids)
        for member, text in zip(group.members, texts, strict=True):
            self.ends[member] = self._put(text[known:], known)[1] - 1
        self._behind.append(Behind(begin, len(self.ids), prefix))

    def _put_whole(self, ids: Sequence[int]) -> tuple[int, int]:
        self.last, self._last = ids, self._put(ids, 0)
        return self._last

    def _put(self, ids: Sequence[int], position: int) -> tuple[int, int]:
        begin = len(self.ids)
        self.ids += ids
        self.positions += range(position, position + len(ids))
        span = (begin, len(self.ids))
        self._own.append(span)
        return span


def _worthy(sequences: Sequence[Sequence[int]]) -> list[Group]:
    """The groups; those that share too little are parted."""
    return [
        each
        for group in grouped(sequences)
        for each in (
            [group] if group.prefix >= WORTH else [Group(0, (member,)) for member in group.members]
        )
    ]


def _size(group: Group, sequences: Sequence[Sequence[int]]) -> int:
    own = sum(len(sequences[member]) - group.prefix for member in group.members)
    return group.prefix + own


def _cut(group: Group, sequences: Sequence[Sequence[int]], max_tokens: int) -> list[list[int]]:
    """The members in rows of their own, of which the first has the prefix too; at least one text
    a row, so that a row of a long one may be larger."""
    rows: list[list[int]] = []
    left = 0
    for member in group.members:
        own = len(sequences[member]) - group.prefix
        if not rows or own > left:
            left = max_tokens - (0 if rows else group.prefix)
            rows.append([])
        rows[-1].append(member)
        left -= own
    return rows


def last_token_reader(trunk: nn.Module, head: nn.Linear) -> Reader:
    """The fastest reader of a causal trunk that is right: packed rows, where the model can.

    Whether it can, it shows on a few texts at once: models differ too much, and change too often,
    for a list. Where it cannot, the log says why, and each text is computed whole.
    """
    plain = LastTokenReader(trunk, head)
    usual = getattr(getattr(trunk, "config", None), "_attn_implementation", None)
    try:
        _refuse_other_layers(trunk)
        texts = _probe(trunk)
        expected = plain(texts)
        trunk.set_attn_implementation(NAME)  # type: ignore[operator]
        packed = PackedReader(trunk, head)
        found = packed(texts)
        tolerance = _EXACT if next(trunk.parameters()).dtype == torch.float32 else _ROUNDED
        for one, other in zip(expected, found, strict=True):
            if not abs(one - other) <= tolerance * max(1.0, abs(one)):
                raise UnsupportedError(f"a probe that gives {other:.4g} instead of {one:.4g}")
    except Exception as error:  # whatever the fault, the plain way does without
        if usual is not None:
            trunk.set_attn_implementation(usual)  # type: ignore[operator]
        logger.info(
            "candidates are scored whole, the prompt again with each: %s", first_line(error)
        )
        return plain
    return packed


def _refuse_other_layers(trunk: nn.Module) -> None:
    """Refuse layers whose masks a short probe would not show.

    Raises:
        UnsupportedError: there are some.
    """
    config = trunk.config.get_text_config()  # type: ignore[union-attr, operator]
    kinds = {str(kind) for kind in getattr(config, "layer_types", None) or ()} - {"full_attention"}
    if getattr(config, "attention_chunk_size", None):
        kinds.add("chunked_attention")
    if kinds:
        raise UnsupportedError(f"layers with {', '.join(sorted(kinds))}")


def _probe(trunk: nn.Module) -> list[list[int]]:
    vocabulary = int(trunk.config.get_text_config().vocab_size)  # type: ignore[union-attr, operator]
    generator = torch.Generator().manual_seed(0)

    def some(count: int) -> list[int]:
        drawn: list[int] = torch.randint(vocabulary, (count,), generator=generator).tolist()
        return drawn

    shared = some(max(count for count, _ in _PROBE))
    return [[*shared[:count], *some(further)] for count, further in _PROBE]
