"""Owns the texts of a reward model whose weights are elsewhere: in a vLLM engine, on a server."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from transformers.models.auto.modeling_auto import MODEL_FOR_MASKED_LM_MAPPING_NAMES as ENCODERS

from bestofn.core.errors import ConfigError
from bestofn.rewards.checkpoints import internlm2, ziya
from bestofn.rewards.checkpoints.common import Text, labelled, read_tokenizer, written
from bestofn.rewards.checkpoints.interface import Source
from bestofn.rewards.checkpoints.weights import Placement, tensor_names
from bestofn.rewards.text.encoder import hub_encoder
from bestofn.rewards.text.formats import FORMATS, named_format, recognised_format
from bestofn.rewards.text.steps import StepOptions
from bestofn.rewards.text.text_maker import TextMaker, text_maker
from bestofn.rewards.text.text_spec import Written
from bestofn.settings.choices import TooLong
from bestofn.support.checkpoint import architecture_of, locate_small, read_config

OWN: Mapping[str, Callable[[Source], Written]] = {
    "ziya": ziya.written,
    "internlm2": internlm2.written,
}
"""Families whose tokenizers are not read as transformers reads them, by the format's name."""


def unloaded_texts(
    model: str,
    *,
    format: str | None = None,  # noqa: A002 - the setting's name everywhere
    template: str | None = None,
    too_long: TooLong = "error",
    trust_remote_code: bool = False,
) -> TextMaker:
    """The texts of a checkpoint, of which config and tokenizer are read and nothing else.

    Args:
        model: folder or hub name.
        format: see `bestofn.rewards.transformers.TransformersRewardModel.load`.
        template: likewise.
        too_long: likewise.
        trust_remote_code: whether code that came with the tokenizer may run.

    Raises:
        ConfigError: an argument is wrong, or the model judges steps.
        ModelError: it is not there, or nothing says how its text is made.
    """
    if format is not None and template is not None:
        raise ConfigError("format and template are both given: give one of them")
    folder = locate_small(model)
    config = read_config(folder)
    tensors = tensor_names(folder)
    recognised = recognised_format(config, tensors)
    own = named_format(format) if format is not None else recognised or FORMATS["chat"]
    if own.aggregate is not None:
        raise ConfigError(
            f"{own.name} judges steps, which is done in this process alone: kind: model"
        )
    placement = Placement(torch.device("cpu"), None)
    source = Source(folder, config, tensors, own, placement, trust_remote_code, 0, StepOptions())
    name = own.name if recognised is None or own.architectures else recognised.name
    read = OWN[name](source) if name in OWN else _usual(source)
    return text_maker(read, model, own=own, template=template, too_long=too_long)


def _usual(source: Source) -> Written:
    tokenizer = read_tokenizer(source)
    text = None
    if source.config.get("model_type") in ENCODERS and _classifies(source):
        text = Text(encoder=hub_encoder(tokenizer, closes_all=True))
    return written(source, labelled(source), tokenizer, text)


def _classifies(source: Source) -> bool:
    return architecture_of(dict(source.config)).endswith("ForSequenceClassification")
