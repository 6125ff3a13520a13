"""The loader of each family of checkpoints, and the refusal of what is no reward model."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from typing import Any

from torch import nn
from transformers import AutoModel, AutoModelForSequenceClassification
from transformers.models.auto.modeling_auto import (
    MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING_NAMES as SEQUENCE_CLASSIFIERS,
)

from bestofn.core.errors import ConfigError, ModelError
from bestofn.rewards.checkpoints import (
    beaver,
    custom_code,
    generative_prm,
    internlm2,
    llamafactory,
    openbmb,
    openrlhf,
    qwen_math,
    ziya,
)
from bestofn.rewards.checkpoints.assembly import (
    TextOverrides,
    causal_model,
    config_with_one_label,
    loaded_model,
    read_tokenizer,
)
from bestofn.rewards.checkpoints.interface import Checkpoint, LoadedModel
from bestofn.rewards.checkpoints.tensors import tensor_shape
from bestofn.rewards.checkpoints.weights import read_weights
from bestofn.rewards.local.readers import WholeModelReader
from bestofn.rewards.text.formats import FORMATS, PAIRWISE_ARCHITECTURE
from bestofn.rewards.text.hub_encoder import hub_encoder
from bestofn.support.checkpoint import architecture_of

Loader = Callable[[Checkpoint], LoadedModel]

NATIVE: Mapping[str, Loader] = {
    "openrlhf": openrlhf.load,
    "ziya": ziya.load,
    "ultrarm": openbmb.load_ultrarm,
    "eurus": openbmb.load_eurus,
    "beaver": beaver.load,
    "beaver-cost": beaver.load,
    "internlm2": internlm2.load,
    "qwen-math-rm": qwen_math.load_outcome,
    "qwen-math-prm": qwen_math.load_process,
}
"""What reads the weights of the families that are recognised, by the format's name."""

NAMED: Mapping[str, Loader] = {
    "rlhflow-prm": generative_prm.load_rlhflow,
    "math-shepherd": generative_prm.load_shepherd,
}
"""The same of those that are language models, so that they have to be named."""

HEAD_WEIGHTS = ("score.weight", "classifier.weight", "classifier.out_proj.weight")
"""The last layer of sequence classifiers, a row a label."""

LANGUAGE_MODELS = ("ForCausalLM", "LMHeadModel")
"""How the architectures of language models end."""

PADDED_BY_ID = frozenset({"ctrl", "modernbert-decoder"})
"""Causal models whose `classifier` reads the last token that is not the pad id: it cannot be
trusted where the pad is also the end token (transformers' models, 5.19)."""


def load(checkpoint: Checkpoint) -> LoadedModel:
    """Read tokenizer and weights with the loader of the checkpoint's family.

    Raises:
        ConfigError: the format that was named is not this model's, or it has no steps.
        ModelError: it is no reward model, has no trained head, or cannot be read.
    """
    loader = _loader(checkpoint)
    named = checkpoint.named
    family = named if named is not None and named.name in NAMED else checkpoint.recognised
    has_steps = family is not None and family.aggregate is not None
    if not has_steps and (checkpoint.settings.step_separator or checkpoint.settings.aggregate):
        raise ConfigError(
            "step_separator and aggregate are for process reward models; "
            f"{checkpoint.folder} gives one reward for the whole text"
        )
    return loader(checkpoint)


def _loader(checkpoint: Checkpoint) -> Loader:
    architecture = architecture_of(dict(checkpoint.config))
    format_, recognised = checkpoint.format, checkpoint.recognised
    if format_.name in NAMED:
        if not architecture.endswith(LANGUAGE_MODELS):
            raise ConfigError(
                f"format {format_.name} reads a language model, and {checkpoint.folder} is "
                f"{architecture or 'without an architecture'}: leave the format out"
            )
        return NAMED[format_.name]
    if recognised is not None and recognised.name in NATIVE:
        if format_.aggregate != recognised.aggregate:
            raise ConfigError(
                f"format {format_.name} does not mark steps as {recognised.name} reads them: "
                "leave it out"
            )
        return NATIVE[recognised.name]
    if format_.aggregate is not None:
        raise ConfigError(f"format {format_.name} is not for {architecture}: leave it out")
    brought = checkpoint.config.get("auto_map") or {}
    own = next(
        (
            auto
            for auto in (AutoModelForSequenceClassification, AutoModel)
            if auto.__name__ in brought
        ),
        None,
    )
    known = architecture in SEQUENCE_CLASSIFIERS.values()
    if own is not None and checkpoint.trust and not (known and _has_usual_head(checkpoint)):
        return lambda given: custom_code.load(given, own)
    if known and (own is None or _has_usual_head(checkpoint)):
        return _load_classifier
    if architecture.endswith(LANGUAGE_MODELS) and llamafactory.has_value_head(checkpoint):
        return llamafactory.load
    raise ModelError(_refusal(checkpoint, architecture, own is not None))


def _has_usual_head(checkpoint: Checkpoint) -> bool:
    """Whether a checkpoint that brings code under a name of transformers can do without it."""
    return any(name.startswith(("score.", "classifier.")) for name in checkpoint.tensors)


def _refusal(checkpoint: Checkpoint, architecture: str, brings_code: bool) -> str:
    folder = checkpoint.folder
    if architecture == PAIRWISE_ARCHITECTURE:
        return f"{folder} compares answers two by two: name it under rewards, as kind: pairwise"
    if not architecture:
        return f"{folder}/config.json names no architecture, so nobody can tell what its head is"
    if brings_code:
        return (
            f"{architecture} is not known here and {folder} brings its own code: "
            "trust_remote_code=True runs it, if you trust it"
        )
    if architecture.endswith(LANGUAGE_MODELS):
        return (
            f"{architecture}: no reward head; {folder} is a language model, name a reward model "
            f"tuned from it ({architecture.removesuffix('ForCausalLM')}ForSequenceClassification), "
            f"or its format if it is one that judges steps ({', '.join(NAMED)})"
        )
    native = [name for known in FORMATS.values() for name in known.architectures]
    every = sorted({*native, *SEQUENCE_CLASSIFIERS.values()})
    near = difflib.get_close_matches(architecture, every, n=3, cutoff=0.0)
    return (
        f"{architecture} is no reward model that is known here; the nearest that are: "
        f"{', '.join(near)} (all: bestofn models)"
    )


def _load_classifier(checkpoint: Checkpoint) -> LoadedModel:
    """A sequence classifier of transformers: a linear head over a causal trunk, or an encoder."""
    config = _require_one_label(checkpoint)
    tokenizer = read_tokenizer(checkpoint)
    dtype = checkpoint.placement.dtype_for(config)
    model: Any = read_weights(
        AutoModelForSequenceClassification, checkpoint.folder, config, checkpoint.placement, dtype
    )
    if not model.config.is_encoder_decoder:
        head = getattr(model, "score", None)
        if isinstance(head, nn.Linear):
            return causal_model(checkpoint, config, model.base_model, head, tokenizer=tokenizer)
        if hasattr(model, "classifier") and model.config.model_type not in PADDED_BY_ID:
            reader = WholeModelReader(model, pads=True)
            text = TextOverrides(encoder=hub_encoder(tokenizer, closes_all=True))
            return loaded_model(checkpoint, config, tokenizer, reader, text)
    architecture = architecture_of(dict(checkpoint.config))
    raise ModelError(f"{architecture}: where its head reads the text is not known here")


def _require_one_label(checkpoint: Checkpoint) -> Any:
    config = config_with_one_label(checkpoint)
    if config.num_labels != 1:
        raise ModelError(
            f"{architecture_of(dict(checkpoint.config))} has {config.num_labels} labels, and no "
            "rule says how they make one reward: name a model with one label"
        )
    for name in HEAD_WEIGHTS:
        shape = tensor_shape(checkpoint.folder, name) if name in checkpoint.tensors else None
        if shape and shape[0] != 1:
            raise ModelError(
                f"the weights in {checkpoint.folder} have {shape[0]} rows in {name}, and its "
                "config.json one label: no rule says how several numbers make one reward"
            )
    return config
