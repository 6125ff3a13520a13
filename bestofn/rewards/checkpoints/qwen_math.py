"""Owns Qwen2.5-Math-RM and -PRM: a Qwen2 trunk whose `score` is linear, ReLU, linear.

Source: the modeling file and the model cards in QwenLM's repositories; vLLM's qwen2_rm.py reads
them alike. The outcome model has one label, read at the last token of the chat template; the
process model has two, and the reward of a step is the probability of label 1 at the `<extra_0>`
after it.
"""

from __future__ import annotations

from typing import Any

from torch import nn
from transformers import Qwen2Config

from bestofn.core.errors import ModelError
from bestofn.rewards.checkpoints.common import (
    Text,
    causal,
    read_headed,
    read_settings,
    read_tokenizer,
)
from bestofn.rewards.checkpoints.heads import Chance
from bestofn.rewards.checkpoints.interface import Loaded, Source
from bestofn.rewards.text.steps import SEPARATOR, Marked, StepVerdict, places_of

MARK = "<extra_0>"
"""Stands after each step, as the card has it; one token of its own."""


def load_outcome(source: Source) -> Loaded:
    """Read Qwen2.5-Math-RM; see `bestofn.rewards.checkpoints.loading.load`."""
    settings = read_settings(source, Qwen2Config)
    tokenizer = read_tokenizer(source)
    trunk, head = read_headed(source, settings, "score", lambda: _head(settings, 1))
    return causal(source, settings, trunk, head, tokenizer=tokenizer)


def load_process(source: Source) -> Loaded:
    """Read Qwen2.5-Math-PRM; see `bestofn.rewards.checkpoints.loading.load`."""
    settings = read_settings(source, Qwen2Config)
    tokenizer = read_tokenizer(source)
    ids = tokenizer.encode(MARK, add_special_tokens=False)
    if len(ids) != 1:
        raise ModelError(
            f"{MARK}, after each step, is no token of the tokenizer in {source.folder}"
        )
    trunk, head = read_headed(source, settings, "score", lambda: _head(settings, 2))
    assert source.format.aggregate is not None
    text = Text(
        places=places_of(ids[0]),
        verdict=StepVerdict(source.steps.aggregate or source.format.aggregate),
        arrange=Marked(source.steps.separator or SEPARATOR, MARK),
    )
    return causal(source, settings, trunk, Chance(head, 1), tokenizer=tokenizer, text=text)


def _head(settings: Any, labels: int) -> nn.Module:
    size = settings.hidden_size
    return nn.Sequential(nn.Linear(size, size), nn.ReLU(), nn.Linear(size, labels))
