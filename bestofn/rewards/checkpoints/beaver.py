"""Beaver's reward and cost models: a Llama trunk with a `score_head`.

Source: safe_rlhf/models/score_model (and its copy in reward-bench). The score of a text is that of
its last token, without activation; cost is higher for worse, so it is negated. The head's bias is
there where the checkpoint has one.
"""

from __future__ import annotations

from torch import nn
from transformers import LlamaConfig

from bestofn.core.errors import ModelError
from bestofn.rewards.checkpoints.assembly import (
    causal_model,
    read_tokenizer,
    read_trunk_and_head,
    transformers_config,
)
from bestofn.rewards.checkpoints.heads import Negated
from bestofn.rewards.checkpoints.interface import Checkpoint, LoadedModel


def load(checkpoint: Checkpoint) -> LoadedModel:
    """Read the checkpoint; see `bestofn.rewards.checkpoints.loading.load`."""
    score_dim = checkpoint.config.get("score_dim", 1)
    score_type = checkpoint.config.get("score_type", "reward")
    if checkpoint.config.get("do_normalize"):
        raise ModelError(
            f"{checkpoint.folder}/config.json says do_normalize, which is not done here: set it to "
            "false, which ranks alike"
        )
    if score_dim != 1 or score_type not in ("reward", "cost"):
        raise ModelError(
            f"{checkpoint.folder} has score_dim {score_dim} and score_type "
            f"{score_type}: known are one reward, or one cost"
        )
    config = transformers_config(checkpoint, LlamaConfig)
    tokenizer = read_tokenizer(checkpoint)
    bias = "score_head.bias" in checkpoint.tensors
    trunk, head = read_trunk_and_head(
        checkpoint, config, "score_head", lambda: nn.Linear(config.hidden_size, 1, bias=bias)
    )
    if score_type == "cost" or checkpoint.format.name == "beaver-cost":
        head = Negated(head)
    return causal_model(checkpoint, config, trunk, head, tokenizer=tokenizer)
