"""A model's shape by its config.json: widths, layers, bytes of KV cache for each token."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from huggingface_hub.errors import StrictDataclassError

from bestofn.core.errors import ModelError
from bestofn.support.error_text import first_line

CACHELESS = frozenset({"linear_attention", "mamba", "conv", "recurrent", "short_conv"})
"""Kinds of layers, as transformers names them, that keep a state of one size, not tokens."""

BLOCK = 16
"""Tokens of one block of vLLM's cache on a GPU."""


@dataclass(frozen=True, slots=True)
class LayerCache:
    """What one layer keeps.

    Args:
        numbers: for each token.
        window: tokens that it looks back at most; None: all.
    """

    numbers: int
    window: int | None = None


@dataclass(frozen=True, slots=True)
class Shape:
    """A decoder's size.

    Args:
        hidden: width of its hidden states.
        intermediate: width inside its MLPs.
        vocab: tokens in its vocabulary.
        context: tokens that it takes; None: its config does not say.
        layers: what each layer keeps.
    """

    hidden: int
    intermediate: int
    vocab: int
    context: int | None
    layers: tuple[LayerCache, ...]

    def token_bytes(self, item: int = 2) -> int:
        """Bytes that a token's keys and values take while every layer still sees it."""
        return item * sum(layer.numbers for layer in self.layers)

    def cache_bytes(self, tokens: int, item: int = 2) -> int:
        """Bytes of the cache of a text, in whole blocks; a window's tokens stay, older ones go."""
        kept = -(-tokens // BLOCK) * BLOCK
        return item * sum(
            layer.numbers * (kept if layer.window is None else min(kept, layer.window + BLOCK))
            for layer in self.layers
        )


def shape_of(config: Mapping[str, Any], name: str) -> Shape:
    """The shape that a config.json describes.

    A token's keys and values are 2 x heads x width of a head numbers in each layer, heads being
    the key-value heads (arXiv 2305.13245); with latent attention kv_lora_rank + qk_rope_head_dim
    (arXiv 2405.04434, section 2.1).

    Args:
        config: the config.json.
        name: of the model, for errors.

    Raises:
        ModelError: it does not say what is needed.
    """
    from transformers import CONFIG_MAPPING, PreTrainedConfig

    kind = str(config.get("model_type", ""))
    known: Any = PreTrainedConfig
    if kind in CONFIG_MAPPING:  # it is lazy: `get` would find nothing
        known = CONFIG_MAPPING[kind]
    named = known.attribute_map.get("hidden_size", "hidden_size")
    if not any(key in config for key in ("hidden_size", named, "text_config")):
        raise ModelError(f"the config of {name} does not say how large it is: {named} is absent")
    try:
        text = known(**{k: v for k, v in config.items() if k != "model_type"}).get_text_config()
        hidden, layers = int(text.hidden_size), int(text.num_hidden_layers)
        intermediate = getattr(text, "intermediate_size", None) or 4 * hidden
        if isinstance(intermediate, list | tuple):
            intermediate = max(intermediate)
        return Shape(
            hidden,
            int(intermediate),
            int(text.vocab_size),
            getattr(text, "max_position_embeddings", None),
            tuple(_cache(text, kind) for kind in _kinds(text, layers)),
        )
    except (
        *(ArithmeticError, AttributeError, LookupError, TypeError, ValueError),
        StrictDataclassError,
    ) as error:
        why = first_line(error)
        raise ModelError(f"the config of {name} does not say how large it is: {why}") from error


def _kinds(text: Any, layers: int) -> list[str]:
    kinds = getattr(text, "layer_types", None)
    if kinds:
        return list(kinds)
    slides = getattr(text, "sliding_window", None) and getattr(text, "use_sliding_window", True)
    return ["sliding_attention" if slides else "full_attention"] * layers


def _cache(text: Any, kind: str) -> LayerCache:
    if kind in CACHELESS:
        return LayerCache(0)
    window = None
    if kind == "sliding_attention":
        window = text.sliding_window
    elif kind == "chunked_attention":
        window = text.attention_chunk_size
    if (latent := getattr(text, "kv_lora_rank", None)) is not None:
        return LayerCache(latent + text.qk_rope_head_dim, window)
    heads = getattr(text, "num_key_value_heads", None) or text.num_attention_heads
    width = getattr(text, "head_dim", None) or text.hidden_size // text.num_attention_heads
    return LayerCache(2 * heads * width, window)
