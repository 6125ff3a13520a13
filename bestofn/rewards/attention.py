"""Owns attention over a packed row: texts stand one after the other, and share prefixes.

A token of a text without a prefix attends to its own text, causally. One behind a prefix attends
twice, to the whole prefix and causally to its own text, and the two are merged by their
log-sum-exps, which is exact: softmax over a union is the mean of the softmaxes over its parts,
weighted by the sums of their exponentials (as in FlashAttention, Dao et al. 2022, section 3.1).

It registers with transformers under `NAME`, and gets the `Packing` as an argument of the forward.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor
from transformers import AttentionInterface

from bestofn.rewards.kernels import attend, attend_ragged, has_ragged
from bestofn.rewards.prefix_cache import KeyValue

NAME = "bestofn_packed"
"""What transformers calls it."""


class UnsupportedError(Exception):
    """The model's attention wants something that a packed row cannot have."""


@dataclass(frozen=True, slots=True)
class Behind:
    """The tokens of the row that stand behind one prefix.

    Args:
        begin: their first place in the row.
        end: behind their last.
        prefix: where it is in the row; or its keys and values, layer by layer, where an earlier row
            had it.
    """

    begin: int
    end: int
    prefix: slice | Sequence[KeyValue]


@dataclass(frozen=True, slots=True)
class Packing:
    """How a row is made up; made once, read by every layer.

    Args:
        own: (begin, end) of every text's own tokens, and of every prefix; they cover the row, in
            its order.
        behind: the tokens behind each prefix.
        kept: (begin, end) of the spans whose keys and values are to be kept.
        collected: where they are put: layer by layer, those of each span.
    """

    own: Sequence[tuple[int, int]]
    behind: Sequence[Behind]
    kept: Sequence[tuple[int, int]] = ()
    collected: list[list[KeyValue]] = field(default_factory=list)
    _starts: list[Tensor] = field(default_factory=list)

    def starts(self, device: torch.device) -> Tensor:
        """Where each text's own tokens begin, and the end of the row, in int32."""
        if not self._starts:
            starts = [0, *(end for _, end in self.own)]
            self._starts.append(torch.tensor(starts, dtype=torch.int32, device=device))
        return self._starts[0]

    @property
    def longest(self) -> int:
        """Tokens of the longest text without what it shares."""
        return max(end - begin for begin, end in self.own)


@torch.compiler.disable  # type: ignore[untyped-decorator]  # compiled, it would be so for each row
def packed_attention(
    module: Any,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    *,
    scaling: float | None = None,
    packing: Packing | None = None,
    sliding_window: int | None = None,
    softcap: float | None = None,
    s_aux: Tensor | None = None,
    **_: Any,
) -> tuple[Tensor, None]:
    """transformers' attention function: heads first, (1, heads, tokens, size), to tokens first.

    Raises:
        UnsupportedError: the layer attends in a window, caps its logits or has sinks; or the model
            does not hand `packing` on.
    """
    for what, wanted in (
        ("attention in a sliding window", sliding_window),
        ("soft-capped attention", softcap),
        ("attention with sinks", s_aux),
    ):
        if wanted is not None:
            raise UnsupportedError(what)
    if packing is None or attention_mask is not None or query.shape[0] != 1:
        raise UnsupportedError("attention that is not told how the row is made up")
    q, k, v = query[0], key[0], value[0]
    out, weight = _within(q, k, v, packing, scaling)
    for behind in packing.behind:
        prefix = behind.prefix
        if isinstance(prefix, slice):
            keys, values = k[:, prefix], v[:, prefix]
        else:
            keys, values = prefix[module.layer_idx]
        _onto(q, keys, values, slice(behind.begin, behind.end), scaling, out, weight)
    if packing.kept:
        spans = [slice(*span) for span in packing.kept]
        packing.collected.append([(k[:, span].clone(), v[:, span].clone()) for span in spans])
    return out.transpose(0, 1)[None], None


def _within(
    q: Tensor, k: Tensor, v: Tensor, packing: Packing, scaling: float | None
) -> tuple[Tensor, Tensor]:
    """Each text over its own tokens: what it finds, and the log-sum-exps."""
    if has_ragged(q):
        starts = packing.starts(q.device)
        return attend_ragged(q, k, v, starts, packing.longest, scaling=scaling)
    out, weight = torch.empty_like(q), torch.empty(q.shape[:2], device=q.device)
    heads, kv_heads = q.shape[0], k.shape[0]
    # (kv heads, heads that share them, tokens, size): nothing is copied.
    q = q.view(kv_heads, -1, *q.shape[1:])
    k, v = (x[:, None].expand(-1, heads // kv_heads, -1, -1) for x in (k, v))
    # One by one: to gather and pad those of like lengths took a third longer on a CPU.
    for begin, end in packing.own:
        text = slice(begin, end)
        found, sums = attend(
            q[:, :, text], k[:, :, text], v[:, :, text], causal=True, scaling=scaling
        )
        out[:, text], weight[:, text] = found.flatten(0, 1), sums.flatten(0, 1)
    return out, weight


def _onto(
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
