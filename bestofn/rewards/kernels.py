"""Owns the attention kernels that also give the log-sum-exps: which of torch's, on which device."""

from __future__ import annotations

import torch
from torch import Tensor

HALF = (torch.float16, torch.bfloat16)


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
