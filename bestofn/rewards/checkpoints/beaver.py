"""Owns Beaver's reward and cost models: a Llama trunk with a `score_head`.

Source: safe_rlhf/models/score_model (and its copy in reward-bench). The score of a text is that of
its last token, without activation; cost is higher for worse, so it is negated. The head's bias is
there where the checkpoint has one.
"""

from __future__ import annotations

from torch import nn
from transformers import LlamaConfig

from bestofn.core.errors import ModelError
from bestofn.rewards.checkpoints.common import causal, read_headed, read_settings, read_tokenizer
from bestofn.rewards.checkpoints.heads import Negated
from bestofn.rewards.checkpoints.interface import Loaded, Source


def load(source: Source) -> Loaded:
    """Read the checkpoint; see `bestofn.rewards.checkpoints.loading.load`."""
    said = source.config
    if said.get("do_normalize"):
        raise ModelError(
            f"{source.folder}/config.json says do_normalize, which is not done here: set it to "
            "false, which ranks alike"
        )
    if said.get("score_dim", 1) != 1 or said.get("score_type", "reward") not in ("reward", "cost"):
        raise ModelError(
            f"{source.folder} has score_dim {said.get('score_dim', 1)} and score_type "
            f"{said.get('score_type', 'reward')}: known are one reward, or one cost"
        )
    settings = read_settings(source, LlamaConfig)
    tokenizer = read_tokenizer(source)
    bias = "score_head.bias" in source.tensors
    trunk, head = read_headed(
        source, settings, "score_head", lambda: nn.Linear(settings.hidden_size, 1, bias=bias)
    )
    if said.get("score_type") == "cost" or source.format.name == "beaver-cost":
        head = Negated(head)
    return causal(source, settings, trunk, head, tokenizer=tokenizer)
