"""Owns models trained with OpenRLHF: any trunk of transformers, a head that the config names.

Source: openrlhf/models/model.py (`get_llm_for_sequence_regression`). The head is linear without
bias, called `value_head_prefix`, read at the last token. Training writes the `mean` and `std` of
its rewards into the config; the model standardises by them where `normalize_reward` is set.
"""

from __future__ import annotations

from torch import nn

from bestofn.core.errors import ModelError
from bestofn.rewards.checkpoints.common import causal, read_headed, read_settings, read_tokenizer
from bestofn.rewards.checkpoints.heads import Standardised
from bestofn.rewards.checkpoints.interface import Loaded, Source


def load(source: Source) -> Loaded:
    """Read the checkpoint; see `bestofn.rewards.checkpoints.loading.load`."""
    settings = read_settings(source)
    name = str(source.config["value_head_prefix"])
    scale = _scale(source)
    tokenizer = read_tokenizer(source)
    trunk, head = read_headed(
        source, settings, name, lambda: nn.Linear(settings.hidden_size, 1, bias=False)
    )
    if scale is not None:
        head = Standardised(head, *scale)
    return causal(source, settings, trunk, head, tokenizer=tokenizer)


def _scale(source: Source) -> tuple[float, float] | None:
    if not source.config.get("normalize_reward"):
        return None
    mean, std = source.config.get("mean"), source.config.get("std")
    if not isinstance(mean, int | float) or not isinstance(std, int | float) or std <= 0:
        raise ModelError(
            f"{source.folder}/config.json says normalize_reward, but mean is {mean} and std is "
            f"{std}: give both, or take normalize_reward out, which ranks alike"
        )
    return float(mean), float(std)
