"""The attention kernels and the packed attention on a device, against a softmax in float64.

Inputs are drawn anew in each run. Errors are ‖found - expected‖ / ‖expected‖.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from types import SimpleNamespace

import torch
from torch import Tensor

from benchmarks.on_gpu.findings import Findings, Skip, Verdict
from bestofn.rewards.local.kernels import attend, attend_ragged, has_ragged
from bestofn.rewards.local.packed_attention import (
    Packing,
    SharedPrefix,
    packed_as,
    packed_attention,
)

DTYPES = (torch.float32, torch.float16, torch.bfloat16)

MOST = {torch.float32: 1e-4, torch.float16: 2e-3, torch.bfloat16: 1e-2}
"""Float32 arithmetic lands far below; products in tf32 would be near 3e-4. Half precision rounds
its results to 2^-11 and 2^-8 of them."""

SHAPES = ((8, 2, 128), (8, 8, 64), (4, 1, 96))
"""(heads, kv heads, size)."""

LENGTHS = ((1, 7, 64, 65, 300, 700), (1,) * 5, (513,))
"""Of texts that stand one after the other. All of one token: kernels have a way of their own for
decoding, which folds the heads that share keys into the tokens."""


def check_kernels(findings: Findings, device: torch.device) -> None:
    """Every kernel in every type, for the shapes above."""
    torch.seed()
    for dtype in DTYPES:
        for shape in SHAPES:
            named = (
                f"{str(dtype).removeprefix('torch.')}, heads {shape[0]}/{shape[1]} of {shape[2]}"
            )
            for name, check in (
                ("attend, causal", functools.partial(_attend, causal=True)),
                ("attend, all", functools.partial(_attend, causal=False)),
                ("attend_ragged", _ragged),
                ("packed attention", _packed),
            ):
                findings.check(f"{name}, {named}", functools.partial(check, device, dtype, *shape))


def plainly(query: Tensor, key: Tensor, value: Tensor, before: int | None) -> tuple[Tensor, Tensor]:
    """(what the query finds, the log-sum-exps) in float64 on the CPU.

    Args:
        query: (heads, tokens, size).
        key, value: (kv heads, keys, size), where kv heads divides heads.
        before: keys that every token sees; token i sees i + 1 more. None: each sees all.
    """
    query, key, value = (x.cpu().double() for x in (query, key, value))
    key, value = (x.repeat_interleave(query.shape[0] // x.shape[0], 0) for x in (key, value))
    logits = query @ key.transpose(1, 2) * query.shape[2] ** -0.5
    if before is not None:
        hidden = torch.ones(logits.shape[1:], dtype=torch.bool).triu(before + 1)
        logits = logits.masked_fill(hidden, float("-inf"))
    return logits.softmax(-1) @ value, logits.logsumexp(-1)


def _some(heads: int, tokens: int, size: int, device: torch.device, dtype: torch.dtype) -> Tensor:
    """Laid out as a model's projections are: tokens first."""
    return torch.randn(tokens, heads, size, device=device, dtype=dtype).transpose(0, 1)


def _error(found: Tensor, expected: Tensor) -> float:
    difference = (found.cpu().double() - expected).norm() / expected.norm()
    return float(difference.item())


@torch.inference_mode()
def _attend(
    device: torch.device, dtype: torch.dtype, heads: int, kv: int, size: int, *, causal: bool
) -> Verdict:
    worst = 0.0
    for tokens, keys in ((1, 1), (65, 65), (700, 700), (1, 300), (333, 96)):
        if causal and tokens != keys:
            continue
        query = _some(heads, tokens, size, device, dtype)
        key, value = (_some(kv, keys, size, device, dtype) for _ in range(2))
        # As `attend_self` has it: the heads that share keys see them without a copy.
        rows = query.view(kv, heads // kv, tokens, size)
        wide = [x[:, None].expand(-1, heads // kv, -1, -1) for x in (key, value)]
        out, sums = attend(rows, *wide, causal=causal, scaling=None)
        expected, logs = plainly(query, key, value, 0 if causal else None)
        worst = max(worst, _error(out.flatten(0, 1), expected), _error(sums.flatten(0, 1), logs))
    return Verdict.within(worst, MOST[dtype])


@torch.inference_mode()
def _ragged(device: torch.device, dtype: torch.dtype, heads: int, kv: int, size: int) -> Verdict:
    worst = 0.0
    for lengths in LENGTHS:
        total = sum(lengths)
        query = _some(heads, total, size, device, dtype)
        if not has_ragged(query):
            raise Skip(f"it is for CUDA in half precision, and this is {device.type} in {dtype}")
        key, value = (_some(kv, total, size, device, dtype) for _ in range(2))
        spans = _spans(lengths)
        starts = [0, *(span.stop for span in spans)]
        out, sums = attend_ragged(
            query,
            key,
            value,
            torch.tensor(starts, dtype=torch.int32, device=device),
            max(lengths),
            scaling=None,
        )
        plain = [plainly(query[:, at], key[:, at], value[:, at], 0) for at in spans]
        worst = max(
            worst,
            _error(out, torch.cat([found for found, _ in plain], 1)),
            _error(sums, torch.cat([logs for _, logs in plain], 1)),
        )
    return Verdict.within(worst, MOST[dtype])


@torch.inference_mode()
def _packed(device: torch.device, dtype: torch.dtype, heads: int, kv: int, size: int) -> Verdict:
    """A prefix in the sequence with texts behind it, one of an earlier forward, texts alone."""
    worst = 0.0
    for behind in ((40, 1, 220), (1, 1, 1)):
        lengths = (300, *behind, 5, 9, 130)
        spans = _spans(lengths)
        prefix, texts, cached, alone = spans[0], spans[1:4], spans[4:6], spans[6]
        total = sum(lengths)
        query = _some(heads, total, size, device, dtype)
        key, value = (_some(kv, total, size, device, dtype) for _ in range(2))
        held = tuple(_some(kv, 96, size, device, dtype) for _ in range(2))
        packing = Packing(
            [prefix, alone],
            [SharedPrefix(texts, prefix), SharedPrefix(cached, [(held[0], held[1])])],
            [prefix],
        )
        layer = SimpleNamespace(layer_idx=0)
        with packed_as(packing):
            out, _ = packed_attention(layer, query[None], key[None], value[None], None)
        found = out[0].transpose(0, 1)
        for span in (prefix, alone, *texts, *cached):
            front = held if span in cached else (key[:, prefix], value[:, prefix])
            before = 0 if span in (prefix, alone) else front[0].shape[1]
            keys, values = (
                torch.cat([x[:, :before], y[:, span]], 1)
                for x, y in zip(front, (key, value), strict=True)
            )
            expected, _ = plainly(query[:, span], keys, values, before)
            worst = max(worst, _error(found[:, span], expected))
        kept = packing.collected[0][0][0]
        if not torch.equal(kept, key[:, prefix]):
            return Verdict("wrong", "the keys that are kept are not the prefix's")
    return Verdict.within(worst, MOST[dtype])


def _spans(lengths: Sequence[int]) -> list[slice]:
    ends = torch.tensor(lengths).cumsum(0).tolist()
    return [slice(end - length, end) for end, length in zip(ends, lengths, strict=True)]
