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

NAME = "bestofn_packed"
"""What transformers calls it."""

SPREAD = 1.5
"""Texts attend together, padded, as long as the longest is at most so many times the shortest."""

KeyValue = tuple[Tensor, Tensor]
"""Keys and values of one layer: (kv heads, tokens, head size) each."""


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
        own: (begin, end) of every text's own tokens, and of every prefix; they cover the row.
        behind: the tokens behind each prefix.
        kept: (begin, end) of the prefix whose keys and values are to be kept, if any.
        cache: where they are kept, layer by layer.
    """

    own: Sequence[tuple[int, int]]
    behind: Sequence[Behind]
    kept: tuple[int, int] | None = None
    cache: list[KeyValue] = field(default_factory=list)
    _buckets: list[tuple[Tensor, Tensor]] = field(default_factory=list)

    def buckets(self, device: torch.device) -> Sequence[tuple[Tensor, Tensor]]:
        """Texts of similar lengths: (their places in the row, (texts, longest) with padding by
        some place of the row; which of them are real, flat)."""
        if not self._buckets:
            self._buckets.extend(_bucket(spans, device) for spans in _alike(self.own))
        return self._buckets


def _alike(own: Sequence[tuple[int, int]]) -> list[list[tuple[int, int]]]:
    alike: list[list[tuple[int, int]]] = []
    for span in sorted(own, key=lambda s: s[0] - s[1]):
        longest = alike[-1][0] if alike else (0, 0)
        if alike and longest[1] - longest[0] <= SPREAD * (span[1] - span[0]):
            alike[-1].append(span)
        else:
            alike.append([span])
    return alike


def _bucket(spans: Sequence[tuple[int, int]], device: torch.device) -> tuple[Tensor, Tensor]:
    begin = torch.tensor([span[0] for span in spans], device=device)[:, None]
    length = torch.tensor([span[1] - span[0] for span in spans], device=device)[:, None]
    columns = torch.arange(max(end - begin for begin, end in spans), device=device)
    real = columns < length
    places = torch.where(real, begin + columns, begin)
    return places, real.flatten().nonzero()[:, 0]


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
    out, weight = torch.empty_like(q), torch.empty(q.shape[:2], device=q.device)
    for places, real in packing.buckets(q.device):
        _within(q, k, v, places, real, scaling, out, weight)
    for behind in packing.behind:
        prefix = behind.prefix
        if isinstance(prefix, slice):
            keys, values = k[:, prefix], v[:, prefix]
        else:
            keys, values = prefix[module.layer_idx]
        _onto(q, keys, values, slice(behind.begin, behind.end), scaling, out, weight)
    if packing.kept is not None:
        span = slice(*packing.kept)
        packing.cache.append((k[:, span].clone(), v[:, span].clone()))
    return out.transpose(0, 1)[None], None


def _within(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    places: Tensor,
    real: Tensor,
    scaling: float | None,
    out: Tensor,
    weight: Tensor,
) -> None:
    """Each text of a bucket over itself. Padding is on the right, so no real token sees it."""
    heads, _, size = q.shape
    shared = heads // k.shape[0]
    texts = q[:, places].transpose(0, 1)  # (texts, heads, longest, size)
    keys, values = (x[:, places].transpose(0, 1).repeat_interleave(shared, 1) for x in (k, v))
    found, sums = attend(texts, keys, values, causal=True, scaling=scaling)
    flat = places.flatten()[real]
    out[:, flat] = found.transpose(0, 1).reshape(heads, -1, size)[:, real]
    weight[:, flat] = sums.transpose(0, 1).reshape(heads, -1)[:, real]


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


def attend(
    query: Tensor, key: Tensor, value: Tensor, *, causal: bool, scaling: float | None
) -> tuple[Tensor, Tensor]:
    """(the attention's output, the log-sum-exp of each row's logits in float32).

    Args:
        query, key, value: (batch, heads, tokens, size), as many heads in each.
        causal: whether token i sees keys 0 to i only.
        scaling: of the logits; None: 1 / sqrt(size).
    """
    ops = torch.ops.aten
    if query.device.type == "cpu":
        out, sums = ops._scaled_dot_product_flash_attention_for_cpu(
            query, key, value, 0.0, causal, scale=scaling
        )
    elif query.dtype in (torch.float16, torch.bfloat16):
        out, sums = ops._scaled_dot_product_flash_attention(
            query, key, value, 0.0, causal, scale=scaling
        )[:2]
    else:
        out, sums = ops._scaled_dot_product_efficient_attention(
            query, key, value, None, True, 0.0, causal, scale=scaling
        )[:2]
    return out, sums[..., : query.shape[2]].float()


AttentionInterface.register(NAME, packed_attention)
