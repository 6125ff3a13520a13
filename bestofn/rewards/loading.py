"""Owns which loader reads a checkpoint, and the refusal of what is no reward model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import transformers
from torch import nn
from transformers import AutoConfig, AutoModel, AutoModelForSequenceClassification, AutoTokenizer
from transformers.models.auto.modeling_auto import (
    MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING_NAMES as SEQUENCE_CLASSIFIERS,
)

from bestofn.errors import ModelError
from bestofn.rewards import ziya
from bestofn.rewards.checkpoint import architecture_of
from bestofn.rewards.encoding import hub_encoder, tokenizer_limit
from bestofn.rewards.forward import Reader, Readout, WholeModelReader
from bestofn.rewards.loaded import Loaded
from bestofn.rewards.probing import causal_reader
from bestofn.rewards.weights import READING_FAULTS, Placement, read_weights
from bestofn.rewards.wording import first_line

NATIVE = {ziya.ARCHITECTURE: ziya.load}
"""Architectures outside transformers that are read here without their code."""

PADDED_BY_ID = frozenset({"ctrl", "modernbert-decoder"})
"""Causal models whose `classifier` reads the last token that is not the pad id: it cannot be
trusted where the pad is also the end token (transformers' models, 5.19)."""


def load(
    folder: Path, config: dict[str, Any], placement: Placement, trust: bool, cache_tokens: int
) -> Loaded:
    """Read tokenizer and weights with the loader of the checkpoint's architecture.

    Args:
        folder: the checkpoint.
        config: its config.json.
        placement: device and type.
        trust: whether code that came with the checkpoint may run.

    Raises:
        ModelError: it is no reward model, has no trained head, or cannot be read.
    """
    architecture = architecture_of(config)
    if architecture in NATIVE:
        return NATIVE[architecture](folder, config, placement, trust, cache_tokens)
    if architecture in SEQUENCE_CLASSIFIERS.values():
        return _load(
            folder, config, placement, AutoModelForSequenceClassification, trust, cache_tokens
        )
    brought = config.get("auto_map") or {}
    own = [
        auto for auto in (AutoModelForSequenceClassification, AutoModel) if auto.__name__ in brought
    ]
    if own and trust:
        return _load(folder, config, placement, own[0], trust, cache_tokens)
    raise ModelError(_refusal(folder, architecture, bool(own)))


def _refusal(folder: Path, architecture: str, brings_code: bool) -> str:
    if not architecture:
        return f"{folder}/config.json names no architecture, so nobody can tell what its head is"
    if brings_code:
        return (
            f"{architecture} is not known here and {folder} brings its own code: "
            "trust_remote_code=True runs it, if you trust it"
        )
    if architecture.endswith(("ForCausalLM", "LMHeadModel")):
        return (
            f"{architecture}: no reward head; {folder} is a language model, name a reward model "
            f"tuned from it ({architecture.removesuffix('ForCausalLM')}ForSequenceClassification)"
        )
    return (
        f"{architecture} is no reward model that is known here: known are {', '.join(NATIVE)} and "
        f"the sequence classifiers of transformers {transformers.__version__}"
    )


def _load(
    folder: Path,
    config: dict[str, Any],
    placement: Placement,
    auto: Any,
    trust: bool,
    cache_tokens: int,
) -> Loaded:
    try:
        settings = AutoConfig.from_pretrained(folder, trust_remote_code=trust)
    except READING_FAULTS as error:
        raise ModelError(f"{folder}/config.json cannot be used: {first_line(error)}") from error
    if not config.keys() & {"num_labels", "id2label"}:
        settings.num_labels = 1  # transformers would assume two; a head of another shape is refused
    if settings.num_labels != 1:
        raise ModelError(
            f"{architecture_of(config)} has {settings.num_labels} labels, and no rule says how "
            "they make one reward: name a model with one label"
        )
    try:
        tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=trust)
    except READING_FAULTS as error:
        raise ModelError(
            f"the tokenizer in {folder} cannot be read: {first_line(error)}"
        ) from error
    remote = auto is AutoModel or architecture_of(config) not in SEQUENCE_CLASSIFIERS.values()
    options = {"trust_remote_code": trust} if remote else {}
    dtype = placement.dtype_for(settings)
    model = read_weights(auto, folder, settings, placement, dtype, **options)
    reader = (
        WholeModelReader(model, pads=False)
        if remote
        else _reader(model, architecture_of(config), cache_tokens)
    )
    template = tokenizer.chat_template
    limits = (
        getattr(settings.get_text_config(), "max_position_embeddings", None),
        tokenizer_limit(tokenizer),
    )
    return Loaded(
        reader=reader,
        device=placement.device,
        encoder=hub_encoder(tokenizer, closes_all=isinstance(reader, WholeModelReader)),
        special_tokens=tokenizer.special_tokens_map,
        chat_template=template.get("default") if isinstance(template, dict) else template,
        max_tokens=min((limit for limit in limits if limit), default=None),
    )


def _reader(model: Any, architecture: str, cache_tokens: int) -> Reader:
    if not model.config.is_encoder_decoder:
        head = getattr(model, "score", None)
        if isinstance(head, nn.Linear):
            return causal_reader(model.base_model, Readout(head), cache_tokens=cache_tokens)
        if hasattr(model, "classifier") and model.config.model_type not in PADDED_BY_ID:
            return WholeModelReader(model, pads=True)
    raise ModelError(f"{architecture}: where its head reads the text is not known here")
