"""Qwen2.5-Math-RM and -PRM: a Qwen2 trunk whose `score` is linear, ReLU, linear.

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
from bestofn.rewards.checkpoints.assembly import (
    TextOverrides,
    causal_model,
    read_tokenizer,
    read_trunk_and_head,
    transformers_config,
)
from bestofn.rewards.checkpoints.heads import LabelProbability
from bestofn.rewards.checkpoints.interface import Checkpoint, LoadedModel
from bestofn.rewards.text.positions import positions_of
from bestofn.rewards.text.steps import MarkSteps, ProcessReward

MARK = "<extra_0>"
"""Stands after each step, as the card has it; one token of its own."""


def load_outcome(checkpoint: Checkpoint) -> LoadedModel:
    """Read Qwen2.5-Math-RM; see `bestofn.rewards.checkpoints.loading.load`."""
    config = transformers_config(checkpoint, Qwen2Config)
    tokenizer = read_tokenizer(checkpoint)
    trunk, head = read_trunk_and_head(checkpoint, config, "score", lambda: _head(config, 1))
    return causal_model(checkpoint, config, trunk, head, tokenizer=tokenizer)


def load_process(checkpoint: Checkpoint) -> LoadedModel:
    """Read Qwen2.5-Math-PRM; see `bestofn.rewards.checkpoints.loading.load`."""
    config = transformers_config(checkpoint, Qwen2Config)
    tokenizer = read_tokenizer(checkpoint)
    ids = tokenizer.encode(MARK, add_special_tokens=False)
    if len(ids) != 1:
        raise ModelError(
            f"{MARK}, after each step, is no token of the tokenizer in {checkpoint.folder}"
        )
    trunk, head = read_trunk_and_head(checkpoint, config, "score", lambda: _head(config, 2))
    text = TextOverrides(
        positions=positions_of(ids[0]),
        to_reward=ProcessReward(checkpoint.aggregate),
        arrange=MarkSteps(checkpoint.step_separator, MARK),
    )
    return causal_model(
        checkpoint, config, trunk, LabelProbability(head, 1), tokenizer=tokenizer, text=text
    )


def _head(config: Any, labels: int) -> nn.Module:
    size = config.hidden_size
    return nn.Sequential(nn.Linear(size, size), nn.ReLU(), nn.Linear(size, labels))
