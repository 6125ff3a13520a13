"""Owns what all families share whose tokenizer and trunk are transformers' own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from torch import nn
from transformers import MODEL_MAPPING, AutoConfig, AutoTokenizer, PreTrainedConfig

from bestofn.core.errors import ModelError
from bestofn.rewards.checkpoints.interface import Loaded, Source, Verdict, outcome
from bestofn.rewards.checkpoints.weights import READING_FAULTS, read_weights
from bestofn.rewards.local.choose_reader import causal_reader
from bestofn.rewards.local.readers import Places, Reader, Readout, last_token
from bestofn.rewards.text.encoder import Encoder, hub_encoder, tokenizer_limit
from bestofn.rewards.text.renderer import Arrange
from bestofn.rewards.text.text_spec import Written
from bestofn.support.error_text import first_line


def read_settings(source: Source, kind: Any = AutoConfig) -> Any:
    """The checkpoint's config as transformers' object.

    Args:
        source: the checkpoint.
        kind: the class of configs; AutoConfig takes the one that the config names.

    Raises:
        ModelError: it cannot be used.
    """
    options = {"trust_remote_code": source.trust} if kind is AutoConfig else {}
    try:
        return kind.from_pretrained(source.folder, **options)
    except READING_FAULTS as error:
        raise ModelError(
            f"{source.folder}/config.json cannot be used: {first_line(error)}"
        ) from error


def labelled(source: Source) -> Any:
    """The config, with one label where it does not say how many.

    transformers would assume two. A head of another shape is then refused.
    """
    settings = read_settings(source)
    if not source.config.keys() & {"num_labels", "id2label"}:
        settings.num_labels = 1
    return settings


def read_tokenizer(source: Source) -> Any:
    """The checkpoint's tokenizer.

    Raises:
        ModelError: it cannot be read.
    """
    try:
        return AutoTokenizer.from_pretrained(source.folder, trust_remote_code=source.trust)
    except READING_FAULTS as error:
        raise ModelError(
            f"the tokenizer in {source.folder} cannot be read: {first_line(error)}"
        ) from error


def framed_encoder(source: Source, tokenizer: Any) -> Encoder:
    """The tokenizer's encoder for a causal model, with the special tokens of the family's frame."""
    usual = hub_encoder(tokenizer, closes_all=False)
    if source.format.frame == "tokenizer":
        return usual
    begin = tokenizer.bos_token_id if source.format.frame == "bos" else None
    return replace(usual, lead=() if begin is None else (begin,), tail=())


def read_headed(
    source: Source, settings: PreTrainedConfig, name: str, head: Callable[[], nn.Module]
) -> tuple[nn.Module, nn.Module]:
    """The trunk of `settings` and the head beside it, whose weights are called after `name`.

    The trunk's weights are called as in the other models that transformers has of it.

    Args:
        source: the checkpoint.
        settings: the trunk's config.
        name: of the head, as in the checkpoint.
        head: makes the module to fill.

    Raises:
        ModelError: the weights are absent, corrupt or of another shape.
    """
    if type(settings) not in MODEL_MAPPING:
        raise ModelError(f"transformers has no trunk of the type {settings.model_type}")
    trunk: Any = MODEL_MAPPING[type(settings)]
    base: Any = trunk.__mro__[1]  # the family's own PreTrainedModel, which knows its conventions

    class Headed(base):  # type: ignore[misc]
        # Buffers that transformers once wrote into checkpoints; they follow from the config.
        _keys_to_ignore_on_load_unexpected = (r"rotary_emb\.inv_freq",)

        def __init__(self, config: PreTrainedConfig) -> None:
            super().__init__(config)
            setattr(self, self.base_model_prefix, trunk(config))
            setattr(self, name, head())
            self.post_init()

    dtype = source.placement.dtype_for(settings)
    model: Any = read_weights(Headed, source.folder, settings, source.placement, dtype)
    return model.base_model, getattr(model, name)


@dataclass(frozen=True, slots=True)
class Text:
    """How texts are made and read, where it is not as usual; see `Loaded`."""

    places: Places = last_token
    verdict: Verdict = outcome
    arrange: Arrange | None = None
    encoder: Encoder | None = None


def written(source: Source, settings: Any, tokenizer: Any, text: Text | None = None) -> Written:
    """How the checkpoint wants its texts, with the tokenizer's template and limits.

    Args:
        source: the checkpoint.
        settings: the trunk's config.
        tokenizer: of transformers.
        text: see `Text`.
    """
    text = text or Text()
    template = tokenizer.chat_template
    limits = (
        getattr(settings.get_text_config(), "max_position_embeddings", None),
        tokenizer_limit(tokenizer),
    )
    special: Mapping[str, str] = tokenizer.special_tokens_map
    return Written(
        encoder=text.encoder or framed_encoder(source, tokenizer),
        special_tokens=special,
        chat_template=template.get("default") if isinstance(template, dict) else template,
        max_tokens=min((limit for limit in limits if limit), default=None),
        places=text.places,
        arrange=text.arrange,
    )


def loaded(
    source: Source, settings: Any, tokenizer: Any, reader: Reader, text: Text | None = None
) -> Loaded:
    """What a loader hands over.

    Args:
        source: the checkpoint.
        settings: the trunk's config.
        tokenizer: of transformers.
        reader: of its ids.
        text: see `Text`.
    """
    return Loaded(
        reader=reader,
        device=source.placement.device,
        written=written(source, settings, tokenizer, text),
        verdict=(text or Text()).verdict,
        format=source.format,
    )


def causal(
    source: Source,
    settings: Any,
    trunk: nn.Module,
    head: nn.Module,
    *,
    tokenizer: Any = None,
    text: Text | None = None,
) -> Loaded:
    """What the loader of a causal trunk with a head hands over."""
    text = text or Text()
    tokenizer = tokenizer or read_tokenizer(source)
    reader = causal_reader(trunk, Readout(head, text.places), cache_tokens=source.cache_tokens)
    return loaded(source, settings, tokenizer, reader, text)
