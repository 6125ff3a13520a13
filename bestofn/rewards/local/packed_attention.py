"""Attention over a packed sequence: texts stand one after the other, and share prefixes.

A token of a text without a prefix attends to its own text, causally. One behind a prefix attends
twice, to the whole prefix and causally to its own text, and the two are merged by their
log-sum-exps, which is exact: softmax over a union is the mean of the softmaxes over its parts,
weighted by the sums of their exponentials (as in FlashAttention, Dao et al. 2022, section 3.1).
Where prefix and text are short, a CPU is faster with the prefix's keys copied before the text's.

It registers with transformers under `NAME`, and finds the `Packing` where `packed_as` has put it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor
from transformers import AttentionInterface

from bestofn.rewards.local.kernels import (
    SHORT_PREFIX,
    SHORT_TEXT,
    attend,
    attend_ragged,
    attend_short,
    has_ragged,
    has_short,
)
from bestofn.rewards.local.prefix_cache import KeyValue

NAME = "bestofn_packed"
"""What transformers calls it."""


# As an argument of the forward it would pass through every compiled block, and torch 2.11 compiles
# a block again for each new length of what it holds.
_packing: ContextVar[Packing | None] = ContextVar("packing", default=None)


class UnsupportedError(Exception):
    """The model's attention wants something that a packed sequence cannot have."""


@dataclass(frozen=True, slots=True)
class SharedPrefix:
    """A prefix, and the texts that stand behind it.

    Args:
        texts: of each, where its own tokens are in the sequence; one after the other.
        prefix: where it is in the sequence; or its keys and values, layer by layer, where an
            earlier forward computed it.
    """

    texts: Sequence[slice]
    prefix: slice | Sequence[KeyValue]

    @property
    def tokens(self) -> slice:
        """Where all of the texts are in the sequence."""
        return slice(self.texts[0].start, self.texts[-1].stop)

    @property
    def short(self) -> bool:
        """Whether all of it is short enough for `attend_short`."""
        prefix = self.prefix
        length = _length(prefix) if isinstance(prefix, slice) else prefix[0][0].shape[1]
        return length <= SHORT_PREFIX and all(_length(text) <= SHORT_TEXT for text in self.texts)

    def keys_values(self, module: Any, key: Tensor, value: Tensor) -> KeyValue:
        """The prefix's keys and values in a layer, where the sequence's are `key` and `value`."""
        if isinstance(self.prefix, slice):
            return key[:, self.prefix], value[:, self.prefix]
        layer: int = module.layer_idx
        return self.prefix[layer]


@dataclass(frozen=True, slots=True)
class Packing:
    """How a sequence is packed; made once, read by every layer.

    Args:
        standalone: the texts without a prefix, and the prefixes.
        shared: each prefix with the texts behind it. With the standalone they cover the sequence.
        kept: the spans whose keys and values are to be kept.
        collected: where they are put: layer by layer, those of each span.
    """

    standalone: Sequence[slice]
    shared: Sequence[SharedPrefix]
    kept: Sequence[slice] = ()
    collected: list[list[KeyValue]] = field(default_factory=list)
    _starts: list[Tensor] = field(default_factory=list)

    def starts(self, device: torch.device) -> Tensor:
        """Where each text's own tokens begin, and the end of the sequence, in int32."""
        if not self._starts:
            starts = [0, *sorted(text.stop for text in self._own())]
            self._starts.append(torch.tensor(starts, dtype=torch.int32, device=device))
        return self._starts[0]

    @property
    def longest(self) -> int:
        """Tokens of the longest text without what it shares."""
        return max(map(_length, self._own()))

    def _own(self) -> list[slice]:
        return [*self.standalone, *(text for shared in self.shared for text in shared.texts)]


def _length(span: slice) -> int:
    return int(span.stop - span.start)


@contextlib.contextmanager
def packed_as(packing: Packing) -> Iterator[None]:
    """Have `packed_attention` take the sequence of each forward within for one packed like this."""
    token = _packing.set(packing)
    try:
        yield
    finally:
        _packing.reset(token)


@torch.compiler.disable  # type: ignore[untyped-decorator]  # compiled, it would be so for each sequence
def packed_attention(
    module: Any,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    *,
    scaling: float | None = None,
    sliding_window: int | None = None,
    softcap: float | None = None,
    s_aux: Tensor | None = None,
    **_: Any,
) -> tuple[Tensor, None]:
    """transformers' attention function: heads first, (1, heads, tokens, size), to tokens first.

    Raises:
        UnsupportedError: the layer attends in a window, caps its logits, has sinks or a mask; or
            it is called outside of `packed_as`.
    """
    packing = _packing.get()
    for what, wanted in (
        ("attention in a sliding window", sliding_window),
        ("soft-capped attention", softcap),
        ("attention with sinks", s_aux),
    ):
        if wanted is not None:
            raise UnsupportedError(what)
    if packing is None or attention_mask is not None or query.shape[0] != 1:
        raise UnsupportedError("attention that is not told how the sequence is packed")
    q, k, v = query[0], key[0], value[0]
    prefixes = [shared.keys_values(module, k, v) for shared in packing.shared]
    if has_ragged(q):
        starts = packing.starts(q.device)
        out, weight = attend_ragged(q, k, v, starts, packing.longest, scaling=scaling)
        for shared, prefix in zip(packing.shared, prefixes, strict=True):
            attend_prefix_and_merge(q, *prefix, shared.tokens, scaling, out, weight)
    else:
        out = _text_by_text(q, k, v, packing, prefixes, scaling)
    if packing.kept:
        packing.collected.append([(k[:, at].clone(), v[:, at].clone()) for at in packing.kept])
    return out.transpose(0, 1)[None], None


def _text_by_text(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    packing: Packing,
    prefixes: Sequence[KeyValue],
    scaling: float | None,
) -> Tensor:
    """What the texts find. To gather and pad those of like lengths took a third longer on a CPU."""
    out, weight = torch.empty_like(q), torch.empty(q.shape[:2], device=q.device)
    in_one = has_short(q)
    for text in packing.standalone:
        if in_one and _length(text) <= SHORT_TEXT:
            attend_short(q[:, text], k[:, text], v[:, text], scaling=scaling, out=out[:, text])
        else:
            attend_self(q, k, v, text, scaling, out, weight)
    for shared, (keys, values) in zip(packing.shared, prefixes, strict=True):
        if in_one and shared.short:
            for text in shared.texts:
                both = (torch.cat([x, y[:, text]], 1) for x, y in ((keys, k), (values, v)))
                attend_short(q[:, text], *both, scaling=scaling, out=out[:, text])
        else:
            for text in shared.texts:
                attend_self(q, k, v, text, scaling, out, weight)
            attend_prefix_and_merge(q, keys, values, shared.tokens, scaling, out, weight)
    return out


def attend_self(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    text: slice,
    scaling: float | None,
    out: Tensor,
    weight: Tensor,
) -> None:
    """A text over its own tokens: what it finds, and the log-sum-exps."""
    heads, _, size = q.shape
    kv_heads = k.shape[0]
    # (kv heads, heads that share them, tokens, size): nothing is copied.
    rows = q[:, text].view(kv_heads, heads // kv_heads, -1, size)
    keys, values = (x[:, None, text].expand(-1, heads // kv_heads, -1, -1) for x in (k, v))
    found, sums = attend(rows, keys, values, causal=True, scaling=scaling)
    out[:, text], weight[:, text] = found.flatten(0, 1), sums.flatten(0, 1)


def attend_prefix_and_merge(
    q: Tensor,
    keys: Tensor,
    values: Tensor,
    span: slice,
    scaling: float | None,
    out: Tensor,
    weight: Tensor,
) -> None:
    """The tokens of `span` over the whole prefix, merged into what they have of their own text.

    Without a mask all rows are alike, so the heads that share keys become rows of one head.
    """
    heads, _, size = q.shape
    kv_heads = keys.shape[0]
    rows = q[:, span].reshape(1, kv_heads, -1, size)
    found, sums = attend(rows, keys[None], values[None], causal=False, scaling=scaling)
    found, sums = found.reshape(heads, -1, size), sums.reshape(heads, -1)
    share = torch.sigmoid(sums - weight[:, span])[..., None]
    out[:, span] = torch.lerp(out[:, span].float(), found.float(), share).to(out.dtype)


AttentionInterface.register(NAME, packed_attention)
