"""Rewards of `TransformersRewardModel` on a device against those of the same folder on the CPU.

A random Llama with grouped queries and the embedded reward model, read from folders as a user's
are, in every type; conversations that come together, from several callers at once, and candidate
by candidate, so that the prompt comes out of the cache.
"""

from __future__ import annotations

import asyncio
import functools
import tempfile
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch

from benchmarks.on_gpu.findings import Findings, Outcome, Skip, Verdict, relative
from benchmarks.on_gpu.models import write_folder
from bestofn import embedded
from bestofn.core.types import Candidate, Request, Score
from bestofn.gpu_memory.checkpoint_size import weight_sizes
from bestofn.rewards.checkpoints.interface import Checkpoint
from bestofn.rewards.checkpoints.loading import load
from bestofn.rewards.checkpoints.weights import Placement
from bestofn.rewards.local.packed_reader import PackedReader
from bestofn.rewards.transformers import TransformersRewardModel
from bestofn.settings.choices import Quantization
from bestofn.settings.rewards import RewardSettings

MOST = {"float32": 1e-3, "float16": 0.02, "bfloat16": 0.05}
"""‖device - CPU‖ / ‖CPU‖ of rewards, where the CPU's are in float32."""

QUANTISED_MOST: dict[Quantization, float] = {"8bit": 0.1, "4bit": 0.5}
"""The largest difference, in parts of the spread of the rewards that are not quantised."""

MODELS = ("random Llama", "embedded model")

PROMPTS = (
    "What is 8 - 5?",
    "Write one sentence about a garden in spring, and say what grows there first. " * 12,
    "列举一种空气污染。",
)
ANSWERS = (
    "8 - 5 = 3.",
    "3",
    "In spring the garden wakes: first the snowdrops, then the crocus.",
    "二氧化硫是一种空气污染物。" * 3,
    "the rain falls on the roof " * 20,
    "a",
    "The answer is 4, since 8 is the double of 4.",
    "Nothing grows there, " * 9 + "and nobody minds.",
)


def check_rewards(findings: Findings, device: torch.device) -> None:
    """Each model in each type, then both on the device at once."""
    with tempfile.TemporaryDirectory(prefix="bestofn-gpu-") as temporary:
        random = write_folder(Path(temporary) / "random", hidden=256, layers=4, heads=8, kv=2)
        both: dict[Path, list[list[float]]] = {random: [], embedded.reward_path(): []}
        for name, (folder, expected) in zip(MODELS, both.items(), strict=True):

            def on_the_cpu(
                folder: Path = folder, expected: list[list[float]] = expected
            ) -> Verdict:
                expected += asyncio.run(_together(folder, device="cpu"))
                return Verdict("measured", f"{sum(map(len, expected))} rewards in float32")

            findings.check(f"{name}, on the CPU", on_the_cpu)
            for dtype, most in MOST.items():
                if folder == embedded.reward_path() and dtype == "float16":
                    continue  # its hidden states overflow: it was trained in bfloat16
                findings.check(
                    f"{name}, {dtype}",
                    functools.partial(_check_type, folder, expected, device, dtype, most),
                )
        for dtype in MOST:
            findings.check(
                f"{MODELS[0]}, deterministic, {dtype}",
                functools.partial(_check_deterministic, random, device, dtype),
            )
        findings.check("both models at once", lambda: asyncio.run(_check_both(both, device)))


def check_quantised(findings: Findings, device: torch.device) -> None:
    """Matrices of eight and of four bits, where bitsandbytes is at hand."""
    with tempfile.TemporaryDirectory(prefix="bestofn-gpu-") as temporary:
        folder = Path(temporary) / "random"
        write_folder(folder, hidden=512, layers=4, heads=8, kv=2)
        for kind, most in QUANTISED_MOST.items():
            findings.check(
                f"random Llama, {kind}",
                functools.partial(_check_quantised, folder, device, kind, most),
            )


def requests() -> list[tuple[Request, list[Candidate]]]:
    """The conversations that are scored."""
    answers = [
        Candidate(i, {"role": "assistant", "content": text}, "stop")
        for i, text in enumerate(ANSWERS)
    ]
    return [(Request.from_prompt(prompt), answers) for prompt in PROMPTS]


async def _together(folder: Path, **options: Any) -> list[list[float]]:
    """Rewards of all conversations, whose calls come at once."""
    model = TransformersRewardModel.load(str(folder), **options)
    try:
        scored = await asyncio.gather(*(model.score(*each) for each in requests()))
    finally:
        model.close()
    return [_rewards(scores) for scores in scored]


async def _one_by_one(folder: Path, **options: Any) -> tuple[list[list[float]], list[list[int]]]:
    """Rewards, and the tokens computed for each, where candidates come one after the other."""
    model = TransformersRewardModel.load(str(folder), **options)
    rewards, tokens = [], []
    try:
        for request, candidates in requests():
            scores = [(await model.score(request, [each]))[0] for each in candidates]
            rewards.append(_rewards(scores))
            tokens.append([score.tokens for score in scores])
    finally:
        model.close()
    return rewards, tokens


def _rewards(scores: Sequence[Score]) -> list[float]:
    failures = [score.failure.detail for score in scores if score.failure is not None]
    if failures:
        raise RuntimeError(f"{len(failures)} of {len(scores)} have no reward: {failures[0]}")
    return [score.reward for score in scores if score.reward is not None]


def _flat(rewards: Sequence[Sequence[float]]) -> list[float]:
    return [reward for each in rewards for reward in each]


def _check_type(
    folder: Path, expected: Sequence[Sequence[float]], device: torch.device, dtype: str, most: float
) -> Verdict:
    if not expected:
        raise Skip("there are no rewards of the CPU to compare with")
    options = {"device": str(device), "dtype": dtype}
    settings = RewardSettings.model_validate(options)
    placement = Placement.of(settings.device, settings.dtype)
    reader = load(Checkpoint.find(str(folder), settings, placement)).reader
    if not isinstance(reader, PackedReader):
        return Verdict("wrong", f"it is read by {type(reader).__name__}: not packed")
    together = asyncio.run(_together(folder, **options))
    alone, tokens = asyncio.run(_one_by_one(folder, **options))
    # The second prompt is long: only its first candidate pays for it.
    if not max(tokens[1][1:]) < tokens[1][0]:
        return Verdict("wrong", f"the prompt was computed again: tokens {tokens[1]}")
    errors = {
        "together": relative(_flat(together), _flat(expected)),
        "one_by_one": relative(_flat(alone), _flat(expected)),
        "apart": relative(_flat(alone), _flat(together)),
    }
    return Verdict.within(max(errors.values()), most, **errors, tokens_one_by_one=tokens[1])


def _check_deterministic(folder: Path, device: torch.device, dtype: str) -> Verdict:
    options = {"device": str(device), "dtype": dtype, "deterministic": True}
    together = _flat(asyncio.run(_together(folder, **options)))
    alone = _flat(asyncio.run(_one_by_one(folder, **options))[0])
    moved = sum(a != b for a, b in zip(together, alone, strict=True))
    outcome: Outcome = "wrong" if moved else "right"
    return Verdict(outcome, f"{moved} of {len(alone)} rewards differ in a bit", {"moved": moved})


async def _check_both(
    both: Mapping[Path, Sequence[Sequence[float]]], device: torch.device
) -> Verdict:
    """Two models, each on a stream of its own, whose forwards overlap, several times over."""
    options: dict[str, Any] = {"device": str(device), "dtype": "float32"}
    models = [TransformersRewardModel.load(str(folder), **options) for folder in both]
    errors = []
    try:
        for _ in range(4):
            scored = await asyncio.gather(
                *(model.score(*each) for model in models for each in requests())
            )
            rewards = [_rewards(scores) for scores in scored]
            errors.append(
                relative(_flat(rewards), _flat([r for each in both.values() for r in each]))
            )
    finally:
        for model in models:
            model.close()
    return Verdict.within(max(errors), MOST["float32"])


def _check_quantised(
    folder: Path, device: torch.device, kind: Quantization, most: float
) -> Verdict:
    if not all(map(find_spec, ("bitsandbytes", "accelerate"))):
        raise Skip("bitsandbytes or accelerate is not installed")
    exact = _flat(asyncio.run(_together(folder, device="cpu")))
    before = _allocated(device)
    options = {"device": str(device), "quantization": kind}
    model = TransformersRewardModel.load(str(folder), RewardSettings.model_validate(options))
    held = _allocated(device) - before
    model.close()
    quantised = _flat(asyncio.run(_together(folder, **options)))
    differences = [abs(a - b) for a, b in zip(exact, quantised, strict=True)]
    error = max(differences) / (max(exact) - min(exact))
    return Verdict.within(
        error, most, bytes=held, planned_bytes=weight_sizes(str(folder)).on_device(2, kind)
    )


def _allocated(device: torch.device) -> int:
    return torch.cuda.memory_allocated(device) if device.type == "cuda" else 0
