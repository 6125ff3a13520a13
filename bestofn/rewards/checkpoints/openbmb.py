"""UltraRM and Eurus-RM: a Llama or Mistral trunk with a `regression_head` without bias.

Source: the code on UltraRM's model card and Eurus-RM's modeling file. Read at the last token.
"""

from __future__ import annotations

from torch import nn
from transformers import LlamaConfig, MistralConfig

from bestofn.rewards.checkpoints.assembly import (
    causal_model,
    read_tokenizer,
    read_trunk_and_head,
    transformers_config,
)
from bestofn.rewards.checkpoints.interface import Checkpoint, LoadedModel


def load_ultrarm(checkpoint: Checkpoint) -> LoadedModel:
    """Read the checkpoint; see `bestofn.rewards.checkpoints.loading.load`."""
    return _load(checkpoint, LlamaConfig)


def load_eurus(checkpoint: Checkpoint) -> LoadedModel:
    """Read the checkpoint; see `bestofn.rewards.checkpoints.loading.load`."""
    return _load(checkpoint, MistralConfig)


def _load(checkpoint: Checkpoint, kind: type) -> LoadedModel:
    config = transformers_config(checkpoint, kind)
    tokenizer = read_tokenizer(checkpoint)
    trunk, head = read_trunk_and_head(
        checkpoint, config, "regression_head", lambda: nn.Linear(config.hidden_size, 1, bias=False)
    )
    return causal_model(checkpoint, config, trunk, head, tokenizer=tokenizer)
