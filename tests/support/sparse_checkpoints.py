"""Checkpoints of full size that take no room: real configs and headers over files of holes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

LLAMA_3_8B: dict[str, Any] = {
    "model_type": "llama",
    "architectures": ["LlamaForCausalLM"],
    "hidden_size": 4096,
    "intermediate_size": 14336,
    "num_hidden_layers": 32,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "vocab_size": 128256,
    "max_position_embeddings": 131072,
    "tie_word_embeddings": False,
}
"""The shape of meta-llama/Llama-3.1-8B-Instruct."""

LLAMA_7B_REWARD: dict[str, Any] = {
    "model_type": "llama",
    "architectures": ["LlamaForSequenceClassification"],
    "hidden_size": 4096,
    "intermediate_size": 11008,
    "num_hidden_layers": 32,
    "num_attention_heads": 32,
    "num_key_value_heads": 32,
    "vocab_size": 32001,
    "max_position_embeddings": 2048,
    "num_labels": 1,
    "tie_word_embeddings": False,
}
"""The shape of a LLaMA-7B with a reward head."""

BYTES = {"F32": 4, "BF16": 2, "F16": 2, "F8_E4M3": 1, "I32": 4}

Tensors = Mapping[str, tuple[str, tuple[int, ...]]]


def tensors_of(config: Mapping[str, Any], dtype: str) -> Tensors:
    """Names, types and shapes of a Llama, as transformers has them for that config.

    They are written out, since transformers takes seconds to load; a test compares them.
    """
    hidden, inner = config["hidden_size"], config["intermediate_size"]
    heads, shared = config["num_attention_heads"], config["num_key_value_heads"]
    size = hidden // heads
    layer: dict[str, tuple[int, ...]] = {
        "self_attn.q_proj": (heads * size, hidden),
        "self_attn.k_proj": (shared * size, hidden),
        "self_attn.v_proj": (shared * size, hidden),
        "self_attn.o_proj": (hidden, heads * size),
        "mlp.gate_proj": (inner, hidden),
        "mlp.up_proj": (inner, hidden),
        "mlp.down_proj": (hidden, inner),
        "input_layernorm": (hidden,),
        "post_attention_layernorm": (hidden,),
    }
    shapes: dict[str, tuple[int, ...]] = {
        "model.embed_tokens": (config["vocab_size"], hidden),
        "model.norm": (hidden,),
    }
    for at in range(config["num_hidden_layers"]):
        shapes |= {f"model.layers.{at}.{name}": shape for name, shape in layer.items()}
    if "num_labels" in config:
        shapes["score"] = (config["num_labels"], hidden)
    else:
        shapes["lm_head"] = (config["vocab_size"], hidden)
    return {f"{name}.weight": (dtype, shape) for name, shape in shapes.items()}


def write(folder: Path, config: Mapping[str, Any], tensors: Tensors, *, shards: int = 1) -> Path:
    """A checkpoint of those tensors, their bytes holes in sparse files."""
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    names = sorted(tensors)
    held = [names[i::shards] for i in range(shards)]
    files = [f"model-{i + 1:05}-of-{shards:05}.safetensors" for i in range(shards)]
    if shards == 1:
        files = ["model.safetensors"]
    else:
        index = {name: file for file, part in zip(files, held, strict=True) for name in part}
        (folder / "model.safetensors.index.json").write_text(
            json.dumps({"metadata": {}, "weight_map": index}), encoding="utf-8"
        )
    for file, part in zip(files, held, strict=True):
        _write_file(folder / file, {name: tensors[name] for name in part})
    return folder


def _write_file(path: Path, tensors: Tensors) -> None:
    at, header = 0, {}
    for name, (dtype, shape) in tensors.items():
        size = BYTES[dtype]
        for length in shape:
            size *= length
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [at, at + size]}
        at += size
    packed = json.dumps(header).encode()
    with path.open("wb") as file:
        file.write(len(packed).to_bytes(8, "little") + packed)
        file.truncate(8 + len(packed) + at)
