"""What a token leaves in the cache, by the published formulas."""

from __future__ import annotations

from typing import Any

import pytest

from bestofn.core.errors import ModelError
from bestofn.gpu_memory.model_shape import shape_of
from tests.support.sparse_checkpoints import LLAMA_3_8B, LLAMA_7B_REWARD


def test_grouped_queries() -> None:
    shape = shape_of(LLAMA_3_8B, "llama")
    assert shape.token_bytes() == 32 * 2 * 8 * 128 * 2 == 131_072
    assert shape.token_bytes(1) == 65_536
    assert (shape.context, shape.vocab, shape.hidden) == (131_072, 128_256, 4096)
    assert shape_of(LLAMA_7B_REWARD, "reward").token_bytes() == 4 * 131_072


def test_names_of_other_families_and_defaults() -> None:
    gpt2 = {"model_type": "gpt2", "n_embd": 64, "n_layer": 2, "n_head": 4, "n_positions": 128}
    assert shape_of(gpt2, "gpt2").token_bytes() == 2 * 2 * 64 * 2
    assert shape_of(gpt2, "gpt2").context == 128
    wide = {**LLAMA_3_8B, "model_type": "qwen3", "head_dim": 64}
    assert shape_of(wide, "qwen3").token_bytes() == 65_536


def test_windows_keep_no_more_than_they_see() -> None:
    mistral = {**LLAMA_3_8B, "model_type": "mistral", "sliding_window": 4096}
    shape = shape_of(mistral, "mistral")
    assert shape.cache_bytes(4096) == 4096 * 131_072
    assert shape.cache_bytes(100_000) == (4096 + 16) * 131_072
    gemma: dict[str, Any] = {
        "model_type": "gemma2",
        "hidden_size": 64,
        "num_hidden_layers": 4,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "head_dim": 16,
        "sliding_window": 32,
    }
    each = 2 * 2 * 16 * 2
    assert shape_of(gemma, "gemma").cache_bytes(320) == each * (2 * 320 + 2 * 48)


def test_latent_attention_and_layers_without_a_cache() -> None:
    deepseek = {
        "model_type": "deepseek_v3",
        "hidden_size": 7168,
        "num_hidden_layers": 61,
        "num_attention_heads": 128,
        "kv_lora_rank": 512,
        "qk_rope_head_dim": 64,
    }
    assert shape_of(deepseek, "deepseek").token_bytes() == 61 * 576 * 2
    mixed = {**LLAMA_3_8B, "num_hidden_layers": 4, "model_type": "unheard-of"}
    mixed["layer_types"] = ["linear_attention"] * 3 + ["full_attention"]
    assert shape_of(mixed, "mixed").token_bytes() == 2 * 8 * 128 * 2


def test_whole_blocks() -> None:
    shape = shape_of(LLAMA_3_8B, "llama")
    assert shape.cache_bytes(1) == shape.cache_bytes(16) == 16 * 131_072
    assert shape.cache_bytes(17) == 32 * 131_072


@pytest.mark.parametrize("config", [{}, {"model_type": "unheard-of"}, {"model_type": "llama"}])
def test_a_config_that_does_not_say(config: dict[str, Any]) -> None:
    with pytest.raises(ModelError, match="the config of odd does not say how large it is"):
        shape_of(config, "odd")
