"""Assembly of a `LoadedModel` where transformers knows the config, the tokenizer and the trunk.

A loader reads the config (`transformers_config`), the weights (`read_trunk_and_head`) and hands
them to `causal_model`; `TextOverrides` says what is not as usual in how texts are made and read.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from torch import Tensor, nn
from transformers import MODEL_MAPPING, AutoConfig, AutoTokenizer, PreTrainedConfig

from bestofn.core.errors import ModelError
from bestofn.rewards.checkpoints.interface import Checkpoint, LoadedModel, ToReward, outcome_reward
from bestofn.rewards.checkpoints.tensors import READING_FAULTS, reading_fault
from bestofn.rewards.checkpoints.weights import read_weights
from bestofn.rewards.local.choose_reader import causal_reader
from bestofn.rewards.local.readers import Head, Reader
from bestofn.rewards.text.encoder import Encoder
from bestofn.rewards.text.hub_encoder import hub_encoder, tokenizer_limit
from bestofn.rewards.text.positions import Positions, last_token
from bestofn.rewards.text.renderer import Arrange
from bestofn.rewards.text.text_spec import TextSpec
from bestofn.support.error_text import first_line


def transformers_config(checkpoint: Checkpoint, kind: Any = AutoConfig) -> Any:
    """The checkpoint's config as transformers' object.

    Args:
        checkpoint: what is read.
        kind: the class of configs; AutoConfig takes the one that the config names.

    Raises:
        ModelError: it cannot be used.
    """
    options = {"trust_remote_code": checkpoint.trust} if kind is AutoConfig else {}
    try:
        return kind.from_pretrained(checkpoint.folder, **options)
    except READING_FAULTS as error:
        raise ModelError(
            f"{checkpoint.folder}/config.json cannot be used: {reading_fault(error)}"
        ) from error


def config_with_one_label(checkpoint: Checkpoint) -> Any:
    """The config, with one label where it does not say how many.

    transformers would assume two. A head of another shape is then refused.
    """
    config = transformers_config(checkpoint)
    if not checkpoint.config.keys() & {"num_labels", "id2label"}:
        config.num_labels = 1
    return config


def read_tokenizer(checkpoint: Checkpoint) -> Any:
    """The checkpoint's tokenizer.

    Raises:
        ModelError: it cannot be read.
    """
    try:
        found: Any = AutoTokenizer.from_pretrained(
            checkpoint.folder, trust_remote_code=checkpoint.trust
        )
        if not isinstance(found.model_max_length, int | float):
            raise TypeError(f"model_max_length is {found.model_max_length!r}, and no number")
        return found
    except Exception as error:  # the tokenizers library raises just that
        raise ModelError(
            f"the tokenizer in {checkpoint.folder} cannot be read: {first_line(error)}"
        ) from error


def framed_encoder(checkpoint: Checkpoint, tokenizer: Any) -> Encoder:
    """The tokenizer's encoder for a causal model, with the special tokens of the family's frame."""
    usual = hub_encoder(tokenizer, closes_all=False)
    if checkpoint.format.frame == "tokenizer":
        return usual
    begin = tokenizer.bos_token_id if checkpoint.format.frame == "bos" else None
    return replace(usual, lead=() if begin is None else (begin,), tail=())


def read_trunk_and_head(
    checkpoint: Checkpoint,
    config: PreTrainedConfig,
    name: str,
    head: Callable[[], nn.Module],
    *,
    converted: dict[str, Tensor] | None = None,
) -> tuple[nn.Module, nn.Module]:
    """The trunk of `config` and the head beside it, whose weights are called after `name`.

    The trunk's weights are called as in the other models that transformers has of it.

    Args:
        checkpoint: what is read.
        config: the trunk's config.
        name: of the head, as in the checkpoint.
        head: makes the module to fill.
        converted: the weights, where the folder has them otherwise.

    Raises:
        ModelError: the weights are absent, corrupt or of another shape.
    """
    if type(config) not in MODEL_MAPPING:
        raise ModelError(f"transformers has no trunk of the type {config.model_type}")
    trunk: Any = MODEL_MAPPING[type(config)]
    base: Any = trunk.__mro__[1]  # the family's own PreTrainedModel, which knows its conventions

    class Headed(base):  # type: ignore[misc]
        # Buffers that transformers once wrote into checkpoints; they follow from the config.
        _keys_to_ignore_on_load_unexpected = (r"rotary_emb\.inv_freq",)

        def __init__(self, config: PreTrainedConfig) -> None:
            super().__init__(config)
            setattr(self, self.base_model_prefix, trunk(config))
            setattr(self, name, head())
            self.post_init()

    dtype = checkpoint.placement.dtype_for(config)
    model: Any = read_weights(
        Headed, checkpoint.folder, config, checkpoint.placement, dtype, converted=converted
    )
    return model.base_model, getattr(model, name)


@dataclass(frozen=True, slots=True)
class TextOverrides:
    """How texts are made and read, where it is not as usual; see `LoadedModel`."""

    positions: Positions = last_token
    to_reward: ToReward = outcome_reward
    arrange: Arrange | None = None
    encoder: Encoder | None = None


def text_spec(
    checkpoint: Checkpoint, config: Any, tokenizer: Any, text: TextOverrides | None = None
) -> TextSpec:
    """How the checkpoint wants its texts, with the tokenizer's template and limits.

    Args:
        checkpoint: what is read.
        config: the trunk's config.
        tokenizer: of transformers.
        text: see `TextOverrides`.

    Raises:
        ModelError: the tokenizer's chat template is no text.
    """
    text = text or TextOverrides()
    template = tokenizer.chat_template
    if isinstance(template, dict):
        template = template.get("default")
    if template is not None and not isinstance(template, str):
        raise ModelError(f"the chat template of {checkpoint.folder} is no text")
    limits = (
        getattr(config.get_text_config(), "max_position_embeddings", None),
        tokenizer_limit(tokenizer),
    )
    special: Mapping[str, str] = tokenizer.special_tokens_map
    return TextSpec(
        encoder=text.encoder or framed_encoder(checkpoint, tokenizer),
        special_tokens=special,
        chat_template=template,
        max_tokens=min((limit for limit in limits if limit and limit > 0), default=None),
        positions=text.positions,
        arrange=text.arrange,
        vocabulary=getattr(config.get_text_config(), "vocab_size", None),
    )


def loaded_model(
    checkpoint: Checkpoint,
    config: Any,
    tokenizer: Any,
    reader: Reader,
    text: TextOverrides | None = None,
) -> LoadedModel:
    """A model that `reader` reads, with the checkpoint's texts.

    Args:
        checkpoint: what is read.
        config: the trunk's config.
        tokenizer: of transformers.
        reader: of its ids.
        text: see `TextOverrides`.
    """
    return LoadedModel(
        reader=reader,
        device=checkpoint.placement.device,
        spec=text_spec(checkpoint, config, tokenizer, text),
        to_reward=(text or TextOverrides()).to_reward,
        format=checkpoint.format,
    )


def causal_model(
    checkpoint: Checkpoint,
    config: Any,
    trunk: nn.Module,
    head: nn.Module,
    *,
    tokenizer: Any = None,
    text: TextOverrides | None = None,
) -> LoadedModel:
    """A causal trunk with a head, read by the fastest reader that is right for it."""
    text = text or TextOverrides()
    tokenizer = tokenizer or read_tokenizer(checkpoint)
    reader = causal_reader(trunk, Head(head, text.positions), checkpoint.settings.cache_tokens)
    return loaded_model(checkpoint, config, tokenizer, reader, text)
