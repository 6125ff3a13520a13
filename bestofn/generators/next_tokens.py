"""The next token of every sequence of a batch: logits as vLLM warps them, a draw, its logprob."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from transformers import (
    LogitsProcessorList,
    TemperatureLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
)

from bestofn.generators.checked_request import SamplingOptions


@dataclass(slots=True)
class ActiveSequence:
    """A candidate of the batch that has not ended yet."""

    index: int
    rng: torch.Generator | None
    tokens: list[int] = field(default_factory=list)
    logprobs: list[float] = field(default_factory=list)


def warpers(asked: float | None, options: SamplingOptions, settings: Any) -> tuple[bool, Any]:
    """Whether to take the likeliest token, and what is done to the logits (vLLM's order).

    Args:
        asked: the temperature; None: the model's own.
        options: of the request.
        settings: the model's generation config.
    """
    default = 1.0 if settings.temperature is None else settings.temperature
    temperature = float(default if asked is None else asked)
    given = options.model_fields_set
    top_k = options.top_k if "top_k" in given else settings.top_k
    top_p = options.top_p if "top_p" in given else settings.top_p
    made = LogitsProcessorList()
    if temperature not in (0, 1):
        made.append(TemperatureLogitsWarper(temperature))
    if top_k is not None and top_k > 0:
        made.append(TopKLogitsWarper(top_k))
    if top_p is not None and top_p < 1:
        made.append(TopPLogitsWarper(top_p))
    return temperature == 0, made


def sample_tokens(
    logits: torch.Tensor, active: Sequence[ActiveSequence], greedy: bool
) -> list[int]:
    """One token per sequence, each from its own random stream."""
    if greedy:
        return [int(token) for token in logits.argmax(-1)]
    weights = logits.softmax(-1)
    return [
        int(torch.multinomial(weights[at], 1, generator=sequence.rng))
        for at, sequence in enumerate(active)
    ]


def note_logprobs(active: Sequence[ActiveSequence], sampled: Sequence[int], logits: Any) -> None:
    """The logprob of each sampled token: before temperature and top-p, as vLLM gives it."""
    chosen = logits.log_softmax(-1).gather(1, torch.tensor(sampled, device=logits.device)[:, None])
    for sequence, value in zip(active, chosen[:, 0].tolist(), strict=True):
        sequence.logprobs.append(value)
