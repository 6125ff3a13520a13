"""Memory of a reward model on a GPU against the arithmetic of `bestofn plan`."""

from __future__ import annotations

import asyncio
import random
import tempfile
from pathlib import Path
from typing import Any

import torch

from benchmarks.on_gpu.findings import Findings, Skip, Verdict
from benchmarks.on_gpu.models import planned, whole_model
from benchmarks.scoring_ways import Random
from bestofn.core.types import Candidate, Request
from bestofn.gpu_memory.planner import CONTEXT_BYTES
from bestofn.rewards.local.token_budget import TokenBudget
from bestofn.rewards.transformers import TransformersRewardModel
from bestofn.settings.rewards import CACHE_TOKENS, MAX_BATCH_TOKENS

PROMPT, ANSWER, CANDIDATES = 1500, 180, 16
PROMPTS, DRY_PROMPTS = 8, 1
"""Several budgets' worth of tokens, so that forwards are full and the cache is, too; and what a dry
run on a CPU takes."""


def check_memory(findings: Findings, model: Random, shape: str, context_bytes: int) -> None:
    """What is held at the peak of scoring, beside what was planned.

    Args:
        findings: the log.
        model: of that shape, alone on the device.
        shape: its name.
        context_bytes: of the CUDA context, before the model was made.
    """
    findings.check("peak against the plan", lambda: _peak(model, shape, context_bytes))


def some_words(tokens: int, seed: int) -> str:
    """A text of about as many tokens of the embedded tokenizer."""
    drawn = random.Random(seed)
    return " ".join(str(drawn.randrange(10)) for _ in range(max(1, tokens // 2)))


def _peak(model: Random, shape: str, context_bytes: int) -> Verdict:
    device, dtype = model.device, model.trunk.dtype
    with tempfile.TemporaryDirectory(prefix="bestofn-gpu-") as temporary:
        plan = planned(shape, dtype, Path(temporary))
    cuda = device.type == "cuda"
    weights = sum(p.numel() * p.element_size() for p in model.trunk.parameters())
    weights += model.head.weight.numel() * model.head.weight.element_size()
    if cuda:
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats(device)
        before = torch.cuda.memory_allocated(device)
    whole = whole_model(model, TokenBudget.on(device, MAX_BATCH_TOKENS))
    try:
        tokens = asyncio.run(_score(whole, PROMPTS if cuda else DRY_PROMPTS))
        if not cuda:
            raise Skip(f"no CUDA: nothing to measure ({tokens:,} tokens were scored)")
        peak = torch.cuda.max_memory_allocated(device) - before
        reserved = torch.cuda.max_memory_reserved(device)
        kept = torch.cuda.memory_allocated(device) - before
        free, total = torch.cuda.mem_get_info(device)
    finally:
        whole.close()
    used = total - free
    values: dict[str, Any] = {
        "weights": {"measured": weights, "planned": plan.weight_bytes},
        "cache": {"measured": kept, "planned": plan.cache_bytes},
        "activations": {"measured": peak - kept, "planned": plan.activation_bytes},
        "weights, cache and activations": {
            "measured": weights + peak,
            "planned": plan.total_bytes,
        },
        "context": {
            "measured": max(context_bytes, used - torch.cuda.memory_reserved(device)),
            "planned": CONTEXT_BYTES,
        },
        "reserved by torch": {"measured": reserved, "planned": plan.total_bytes},
        "tokens": tokens,
        "cache_tokens": CACHE_TOKENS,
    }
    over = weights + peak > plan.total_bytes
    return Verdict(
        "wrong" if over else "right",
        f"{_gib(weights + peak)} held at the peak, {_gib(plan.total_bytes)} planned "
        f"(activations {_gib(peak - kept)} of {_gib(plan.activation_bytes)}, cache {_gib(kept)} "
        f"of {_gib(plan.cache_bytes)}); torch reserved {_gib(reserved)}",
        values,
    )


async def _score(whole: TransformersRewardModel, prompts: int) -> int:
    scored = await asyncio.gather(
        *(
            whole.score(
                Request.from_prompt(some_words(PROMPT, prompt)),
                [
                    Candidate(
                        i, {"role": "assistant", "content": some_words(ANSWER, 100 + i)}, "stop"
                    )
                    for i in range(CANDIDATES)
                ],
            )
            for prompt in range(prompts)
        )
    )
    missing = [score.failure for scores in scored for score in scores if score.reward is None]
    if missing:
        raise RuntimeError(f"{len(missing)} candidates have no reward: {missing[0]}")
    return sum(score.tokens for scores in scored for score in scores)


def _gib(size: int) -> str:
    return f"{size / 2**30:.2f} GiB"
