"""The attention kernels against a plain softmax."""

from __future__ import annotations

import itertools

import pytest
import torch
from torch import Tensor

from bestofn.rewards.local.kernels import SHORT_PREFIX, SHORT_TEXT, attend, attend_short

SIZE = 16


def some(heads: int, tokens: int) -> Tensor:
    """Laid out as a model's projections are: tokens first."""
    return torch.randn(tokens, heads, SIZE).transpose(0, 1)


def plainly(query: Tensor, key: Tensor, value: Tensor, scaling: float) -> tuple[Tensor, Tensor]:
    """(what the query's tokens find, the log-sum-exps), in float64; they are the last of all."""
    shared = query.shape[0] // key.shape[0]
    key, value = (x.repeat_interleave(shared, 0).double() for x in (key, value))
    before = key.shape[1] - query.shape[1]
    logits = query.double() @ key.transpose(1, 2) * scaling
    hidden = torch.ones(logits.shape[1:], dtype=torch.bool).triu(before + 1)
    logits = logits.masked_fill(hidden, float("-inf"))
    return logits.softmax(-1) @ value, logits.logsumexp(-1)


@pytest.mark.parametrize(
    ("before", "tokens"),
    [*itertools.product((0, 1, 7, SHORT_PREFIX), (1, 95, 96, 97, 193, SHORT_TEXT))],
)
@pytest.mark.parametrize(("heads", "kv_heads"), [(2, 2), (6, 2), (4, 1)])
@pytest.mark.parametrize("scaling", [None, 0.5])
@torch.inference_mode()
def test_a_short_text_attends_to_its_prefix_and_itself(
    before: int, tokens: int, heads: int, kv_heads: int, scaling: float | None
) -> None:
    torch.manual_seed(0)
    query = some(heads, tokens)
    key, value = some(kv_heads, before + tokens), some(kv_heads, before + tokens)
    out = torch.empty_like(query)
    attend_short(query, key, value, scaling=scaling, out=out)
    expected, _ = plainly(query, key, value, scaling or SIZE**-0.5)
    torch.testing.assert_close(out.double(), expected, atol=1e-5, rtol=0)


@torch.inference_mode()
def test_it_finds_what_the_kernel_of_long_ones_does() -> None:
    query, key, value = some(3, 70), some(3, 70), some(3, 70)
    out = torch.empty_like(query)
    attend_short(query, key, value, scaling=None, out=out)
    found, sums = attend(query[None], key[None], value[None], causal=True, scaling=None)
    torch.testing.assert_close(out, found[0], atol=2e-6, rtol=0)
    _, expected = plainly(query, key, value, SIZE**-0.5)
    torch.testing.assert_close(sums[0].double(), expected, atol=1e-5, rtol=0)
