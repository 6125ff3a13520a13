"""Models trained with OpenRLHF: any trunk of transformers, a head that the config names.

Source: openrlhf/models/model.py (`get_llm_for_sequence_regression`). The head is linear without
bias, called `value_head_prefix`, read at the last token. Training writes the `mean` and `std` of
its rewards into the config; the model standardises by them where `normalize_reward` is set.
"""

from __future__ import annotations

from torch import nn

from bestofn.core.errors import ModelError
from bestofn.rewards.checkpoints.assembly import (
    causal_model,
    read_tokenizer,
    read_trunk_and_head,
    transformers_config,
)
from bestofn.rewards.checkpoints.heads import Standardised
from bestofn.rewards.checkpoints.interface import Checkpoint, LoadedModel


def load(checkpoint: Checkpoint) -> LoadedModel:
    """Read the checkpoint; see `bestofn.rewards.checkpoints.loading.load`."""
    config = transformers_config(checkpoint)
    name = str(checkpoint.config["value_head_prefix"])
    scale = _scale(checkpoint)
    tokenizer = read_tokenizer(checkpoint)
    trunk, head = read_trunk_and_head(
        checkpoint, config, name, lambda: nn.Linear(config.hidden_size, 1, bias=False)
    )
    if scale is not None:
        head = Standardised(head, *scale)
    return causal_model(checkpoint, config, trunk, head, tokenizer=tokenizer)


def _scale(checkpoint: Checkpoint) -> tuple[float, float] | None:
    if not checkpoint.config.get("normalize_reward"):
        return None
    mean, std = checkpoint.config.get("mean"), checkpoint.config.get("std")
    if not isinstance(mean, int | float) or not isinstance(std, int | float) or std <= 0:
        raise ModelError(
            f"{checkpoint.folder}/config.json says normalize_reward, but mean is {mean} and std is "
            f"{std}: give both, or take normalize_reward out, which ranks alike"
        )
    return float(mean), float(std)
