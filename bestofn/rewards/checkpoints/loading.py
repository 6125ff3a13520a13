"""Owns which loader reads a checkpoint, and the refusal of what is no reward model."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from torch import nn
from transformers import AutoModel, AutoModelForSequenceClassification
from transformers.models.auto.modeling_auto import (
    MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING_NAMES as SEQUENCE_CLASSIFIERS,
)

from bestofn.core.errors import ConfigError, ModelError
from bestofn.rewards.checkpoints import beaver, internlm2, openbmb, openrlhf, qwen_math, ziya
from bestofn.rewards.checkpoints import custom_code as remote
from bestofn.rewards.checkpoints import generative_prm as language
from bestofn.rewards.checkpoints.common import Text, causal, labelled, loaded, read_tokenizer
from bestofn.rewards.checkpoints.interface import Loaded, Source
from bestofn.rewards.checkpoints.weights import Placement, read_weights, tensor_names
from bestofn.rewards.local.readers import WholeModelReader
from bestofn.rewards.pairwise.reader import ARCHITECTURE as PAIRWISE
from bestofn.rewards.text.encoder import hub_encoder
from bestofn.rewards.text.formats import FORMATS, Format, recognised_format
from bestofn.rewards.text.steps import StepOptions
from bestofn.support.checkpoint import architecture_of

Loader = Callable[[Source], Loaded]

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
    "rlhflow-prm": language.load_rlhflow,
    "math-shepherd": language.load_shepherd,
}
"""The same of those that are language models, so that they have to be named."""

LANGUAGE_MODELS = ("ForCausalLM", "LMHeadModel")
"""How the architectures of language models end."""

PADDED_BY_ID = frozenset({"ctrl", "modernbert-decoder"})
"""Causal models whose `classifier` reads the last token that is not the pad id: it cannot be
trusted where the pad is also the end token (transformers' models, 5.19)."""


def load(
    folder: Path,
    config: dict[str, Any],
    placement: Placement,
    trust: bool,
    cache_tokens: int,
    *,
    named: Format | None = None,
    steps: StepOptions | None = None,
) -> Loaded:
    """Read tokenizer and weights with the loader of the checkpoint's family.

    Args:
        folder: the checkpoint.
        config: its config.json.
        placement: device and type.
        trust: whether code that came with the checkpoint may run.
        cache_tokens: see `bestofn.rewards.local.packed_reader.PackedReader`.
        named: the format that the user named.
        steps: what the user says about steps.

    Raises:
        ConfigError: the format that was named is not this model's, or it has no steps.
        ModelError: it is no reward model, has no trained head, or cannot be read.
    """
    tensors = tensor_names(folder)
    recognised = recognised_format(config, tensors)
    source = Source(
        folder,
        config,
        tensors,
        named or recognised or FORMATS["chat"],
        placement,
        trust,
        cache_tokens,
        steps or StepOptions(),
    )
    loader = _loader(source, recognised)
    family = recognised if named is None or named.name not in NAMED else named
    if source.steps and (family is None or family.aggregate is None):
        raise ConfigError(
            "step_separator and aggregate are for process reward models; "
            f"{folder} gives one reward for the whole text"
        )
    return loader(source)


def _loader(source: Source, recognised: Format | None) -> Loader:
    architecture = architecture_of(dict(source.config))
    named = source.format
    if named.name in NAMED:
        if not architecture.endswith(LANGUAGE_MODELS):
            raise ConfigError(
                f"format {named.name} reads a language model, and {source.folder} is "
                f"{architecture or 'without an architecture'}: leave the format out"
            )
        return NAMED[named.name]
    if recognised is not None and recognised.name in NATIVE:
        if named.aggregate != recognised.aggregate:
            raise ConfigError(
                f"format {named.name} does not mark steps as {recognised.name} reads them: leave "
                "it out"
            )
        return NATIVE[recognised.name]
    if named.aggregate is not None:
        raise ConfigError(f"format {named.name} is not for {architecture}: leave it out")
    brought = source.config.get("auto_map") or {}
    own = next(
        (
            auto
            for auto in (AutoModelForSequenceClassification, AutoModel)
            if auto.__name__ in brought
        ),
        None,
    )
    known = architecture in SEQUENCE_CLASSIFIERS.values()
    if own is not None and source.trust and not (known and _has_usual_head(source)):
        return lambda given: remote.load(given, own)
    if known and (own is None or _has_usual_head(source)):
        return _load_classifier
    raise ModelError(_refusal(source, architecture, own is not None))


def _has_usual_head(source: Source) -> bool:
    """Whether a checkpoint that brings code under a name of transformers can do without it."""
    return any(name.startswith(("score.", "classifier.")) for name in source.tensors)


def _refusal(source: Source, architecture: str, brings_code: bool) -> str:
    folder = source.folder
    if architecture == PAIRWISE:
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


def _load_classifier(source: Source) -> Loaded:
    """A sequence classifier of transformers: a linear head over a causal trunk, or an encoder."""
    settings = _one_label(source)
    tokenizer = read_tokenizer(source)
    dtype = source.placement.dtype_for(settings)
    model: Any = read_weights(
        AutoModelForSequenceClassification, source.folder, settings, source.placement, dtype
    )
    if not model.config.is_encoder_decoder:
        head = getattr(model, "score", None)
        if isinstance(head, nn.Linear):
            return causal(source, settings, model.base_model, head, tokenizer=tokenizer)
        if hasattr(model, "classifier") and model.config.model_type not in PADDED_BY_ID:
            reader = WholeModelReader(model, pads=True)
            text = Text(encoder=hub_encoder(tokenizer, closes_all=True))
            return loaded(source, settings, tokenizer, reader, text)
    architecture = architecture_of(dict(source.config))
    raise ModelError(f"{architecture}: where its head reads the text is not known here")


def _one_label(source: Source) -> Any:
    settings = labelled(source)
    if settings.num_labels != 1:
        raise ModelError(
            f"{architecture_of(dict(source.config))} has {settings.num_labels} labels, and no rule "
            "says how they make one reward: name a model with one label"
        )
    return settings
