"""Attention kernels with log-sum-exp: torch's for each device, and one for short texts on a CPU."""

from __future__ import annotations

import functools

import torch
from torch import Tensor

HALF = (torch.float16, torch.bfloat16)

SHORT_PREFIX, SHORT_TEXT = 256, 512
"""Tokens up to which `attend_short` was the faster, measured on one core and on two, with heads of
size 64: by a twentieth to two fifths within; behind 400 tokens between a quarter slower and a tenth
faster, for texts of 700 about as fast."""

_ROWS = 96
"""Of one block of logits: it stays in the second cache, and most of what the mask hides is left
out. 64 was about as fast, 128 up to an eighth slower at 100 tokens before 300."""


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
    elif query.dtype in HALF:
        out, sums = ops._scaled_dot_product_flash_attention(
            query, key, value, 0.0, causal, scale=scaling
        )[:2]
    else:
        out, sums = ops._scaled_dot_product_efficient_attention(
            query, key, value, None, True, 0.0, causal, scale=scaling
        )[:2]
    return out, sums[..., : query.shape[2]].float()


def has_ragged(query: Tensor) -> bool:
    """Whether `attend_ragged` can do it: on CUDA in half precision."""
    return query.device.type == "cuda" and query.dtype in HALF


def attend_ragged(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    starts: Tensor,
    longest: int,
    *,
    scaling: float | None,
) -> tuple[Tensor, Tensor]:
    """As `attend` with `causal`, over texts that stand one after the other, without padding.

    Args:
        query: (heads, tokens, size).
        key, value: (kv heads, tokens, size), where kv heads divides heads.
        starts: (texts + 1,) in int32, where each text begins; the last is the number of tokens.
        longest: tokens of the longest text.
        scaling: as there.

    Returns:
        (heads, tokens, size) and (heads, tokens).
    """
    q, k, v = (x.transpose(0, 1).contiguous() for x in (query, key, value))
    out, sums = torch.ops.aten._flash_attention_forward(
        q, k, v, starts, starts, longest, longest, 0.0, True, False, scale=scaling
    )[:2]
    return out.transpose(0, 1), sums.float()


def has_short(query: Tensor) -> bool:
    """Whether `attend_short` can do it: on a CPU in float32. (torch's kernel for a CPU computes all
    of a causal square that is shorter than 512 keys; it accumulates half precision in float32,
    which products of matrices written to memory do not.)"""
    return query.device.type == "cpu" and query.dtype == torch.float32


def attend_short(
    query: Tensor, key: Tensor, value: Tensor, *, scaling: float | None, out: Tensor
) -> None:
    """Causal attention of a text's last tokens to all of it.

    Args:
        query: (heads, tokens, size), of at most `SHORT_TEXT` tokens.
        key, value: (kv heads, keys, size), where kv heads divides heads, and the last keys are
            those of the query's tokens; at most `SHORT_PREFIX` stand before them.
        scaling: of the logits; None: 1 / sqrt(size).
        out: shaped like `query`; written to.
    """
    heads, tokens, size = query.shape
    kv_heads = key.shape[0]
    before = key.shape[1] - tokens
    scale = size**-0.5 if scaling is None else scaling
    for begin in range(0, tokens, _ROWS):
        end = min(begin + _ROWS, tokens)
        seen = before + end
        # The heads that share keys become rows of one head.
        rows = query[:, begin:end].reshape(kv_heads, -1, size)
        mask = _mask()[: end - begin, _BEFORE - before - begin : _BEFORE + end - begin]
        mask = mask.expand(heads // kv_heads, -1, -1).reshape(-1, seen)
        logits = torch.baddbmm(mask, rows, key[:, :seen].transpose(1, 2), alpha=scale)
        found = torch.bmm(logits.softmax(-1), value[:, :seen])
        out[:, begin:end] = found.view(heads, -1, size)


_BEFORE = SHORT_PREFIX + SHORT_TEXT


@functools.cache
def _mask() -> Tensor:
    """Of `_ROWS` tokens, behind up to `_BEFORE`: row i sees columns 0 to `_BEFORE` + i."""
    return torch.full((_ROWS, _BEFORE + _ROWS), float("-inf")).triu_(_BEFORE + 1)
