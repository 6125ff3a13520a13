"""Texts without weights: of a reward model that runs elsewhere, in a vLLM engine or on a server."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from transformers.models.auto.modeling_auto import MODEL_FOR_MASKED_LM_MAPPING_NAMES as ENCODERS

from bestofn.core.errors import ConfigError
from bestofn.rewards.checkpoints import internlm2, ziya
from bestofn.rewards.checkpoints.assembly import (
    TextOverrides,
    config_with_one_label,
    read_tokenizer,
    text_spec,
)
from bestofn.rewards.checkpoints.interface import Checkpoint
from bestofn.rewards.checkpoints.weights import Placement
from bestofn.rewards.text.hub_encoder import hub_encoder
from bestofn.rewards.text.text_maker import TextMaker, text_maker
from bestofn.rewards.text.text_spec import TextSpec
from bestofn.settings.rewards import RewardSettings
from bestofn.support.checkpoint import architecture_of

OWN: Mapping[str, Callable[[Checkpoint], TextSpec]] = {
    "ziya": ziya.text_spec,
    "internlm2": internlm2.text_spec,
}
"""Families whose tokenizers are not read as transformers reads them, by the format's name."""


def load_text_maker(model: str, settings: RewardSettings | None = None) -> TextMaker:
    """The texts of a checkpoint, of which config and tokenizer are read and nothing else.

    Args:
        model: folder or hub name.
        settings: of them count format, template, too_long, and, for code that came with the
            tokenizer, trust_remote_code; None: the defaults.

    Raises:
        ConfigError: a setting is wrong, or the model judges steps.
        ModelError: it is not there, or nothing says how its text is made.
    """
    settings = settings or RewardSettings()
    placement = Placement(torch.device("cpu"), None)
    checkpoint = Checkpoint.find(model, settings, placement, weights=False)
    own, recognised = checkpoint.format, checkpoint.recognised
    if own.aggregate is not None:
        raise ConfigError(
            f"{own.name} judges steps, which is done in this process alone: kind: model"
        )
    name = own.name if recognised is None or own.architectures else recognised.name
    spec = OWN[name](checkpoint) if name in OWN else _usual(checkpoint)
    return text_maker(spec, model, own, settings)


def _usual(checkpoint: Checkpoint) -> TextSpec:
    tokenizer = read_tokenizer(checkpoint)
    text = None
    if checkpoint.config.get("model_type") in ENCODERS and _classifies(checkpoint):
        text = TextOverrides(encoder=hub_encoder(tokenizer, closes_all=True))
    return text_spec(checkpoint, config_with_one_label(checkpoint), tokenizer, text)


def _classifies(checkpoint: Checkpoint) -> bool:
    return architecture_of(dict(checkpoint.config)).endswith("ForSequenceClassification")
