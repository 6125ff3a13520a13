"""A small checkpoint laid out as InternLM2-Reward is, with random weights."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import sentencepiece
import torch
from safetensors.torch import save_file
from torch import Tensor

from tests.support.rewards import classifier_replica, plain_llama, ziya_replica

Weights = Mapping[str, Tensor]

ASK = "what is the colour of the sky?"

SPECIAL = {"<|im_start|>": 400, "<|im_end|>": 401, "[REWARD]": 402}
"""Ids beyond the pieces, as InternLM2's added tokens."""

INTERN = plain_llama.Shape(kv_heads=2, vocabulary=420 + 3, theta=1e6)


def write(folder: Path) -> Weights:
    """Original names, packed `wqkv`, sentencepiece with added tokens."""
    ziya_replica._write_tokenizer(folder)
    for name in ("special_tokens_map.json", "added_tokens.json"):
        (folder / name).unlink()
    added = {at + 20: token for token, at in SPECIAL.items()} | {1: "<s>", 2: "</s>"}
    settings = {
        "tokenizer_class": "InternLM2Tokenizer",
        "auto_map": {"AutoTokenizer": ["tokenization_internlm2.InternLM2Tokenizer", None]},
        "bos_token": "<s>",
        "eos_token": "</s>",
        "added_tokens_decoder": {str(at): {"content": token} for at, token in added.items()},
        "chat_template": "{{ bos_token }}{% for m in messages %}<|im_start|>{{ m.role }}\n"
        "{{ m.content }}<|im_end|>\n{% endfor %}",
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    config = {
        "architectures": ["InternLM2ForRewardModel"],
        "auto_map": {"AutoModel": "modeling_internlm2.InternLM2ForRewardModel"},
        "model_type": "internlm2",
        "bias": False,
        "hidden_act": "silu",
        "hidden_size": INTERN.hidden,
        "intermediate_size": INTERN.inner,
        "num_hidden_layers": INTERN.layers,
        "num_attention_heads": INTERN.heads,
        "num_key_value_heads": INTERN.kv_heads,
        "vocab_size": INTERN.vocabulary,
        "rms_norm_eps": INTERN.epsilon,
        "rope_theta": INTERN.theta,
        "rope_scaling": {"type": "dynamic", "factor": 2.0},
        "max_position_embeddings": 512,
        "reward_token_id": SPECIAL["[REWARD]"] + 20,
        "torch_dtype": "bfloat16",
    }
    classifier_replica.write_config(folder, config)
    made = plain_llama.random_weights(INTERN, "v_head", seed=3)
    names = {
        "embed_tokens": "tok_embeddings",
        "input_layernorm": "attention_norm",
        "post_attention_layernorm": "ffn_norm",
        "self_attn.o_proj": "attention.wo",
        "mlp.gate_proj": "feed_forward.w1",
        "mlp.up_proj": "feed_forward.w3",
        "mlp.down_proj": "feed_forward.w2",
    }
    original: dict[str, Tensor] = {}
    for name, tensor in made.items():
        if re.search(r"self_attn\.[qkv]_proj", name):
            continue
        for ours, theirs in names.items():
            name = name.replace(ours, theirs)
        original[name] = tensor
    generator = torch.Generator().manual_seed(4)
    rows = (INTERN.heads + 2 * INTERN.kv_heads) * INTERN.width
    for layer in range(INTERN.layers):
        packed = torch.randn(rows, INTERN.hidden, generator=generator) / 4
        original[f"model.layers.{layer}.attention.wqkv.weight"] = packed
    return save(folder, original)


def read(given: Sequence[int], weights: Weights) -> float:
    """Computed of the packed weights: each row is taken by its number."""
    width, shared = INTERN.width, INTERN.heads // INTERN.kv_heads
    block = (shared + 2) * width  # rows of one head of keys: its queries, its key, its value
    plain: dict[str, Tensor] = {}
    for name, tensor in weights.items():
        if name.endswith("wqkv.weight"):
            stem = name.replace("attention.wqkv.weight", "self_attn")
            queries = [
                head // shared * block + head % shared * width + at
                for head in range(INTERN.heads)
                for at in range(width)
            ]
            keys = [
                group * block + shared * width + at
                for group in range(INTERN.kv_heads)
                for at in range(width)
            ]
            plain[f"{stem}.q_proj.weight"] = tensor[queries]
            plain[f"{stem}.k_proj.weight"] = tensor[keys]
            plain[f"{stem}.v_proj.weight"] = tensor[[row + width for row in keys]]
            continue
        name = name.replace("tok_embeddings", "embed_tokens").replace(
            "attention.wo", "self_attn.o_proj"
        )
        name = name.replace("attention_norm", "input_layernorm")
        name = name.replace("ffn_norm", "post_attention_layernorm")
        for theirs, ours in (("w1", "gate_proj"), ("w3", "up_proj"), ("w2", "down_proj")):
            name = name.replace(f"feed_forward.{theirs}", f"mlp.{ours}")
        plain[name] = tensor
    return plain_llama.reward(given, plain, INTERN, "v_head")


def ids(folder: Path, answer: str, ended: bool) -> list[int]:
    """Pieces between the added tokens, put together by hand."""
    model = sentencepiece.SentencePieceProcessor(model_file=str(folder / "tokenizer.model"))

    def turn(role: str, text: str) -> list[int]:
        return [420, *model.encode(f"{role}\n{text}")]

    end = [421, *model.encode("\n")]
    closing = end if ended else []
    return [1, *turn("user", ASK), *end, *turn("assistant", answer), *closing, 422]


def save(folder: Path, weights: Weights) -> Weights:
    """Write the weights, and return them."""
    kept = {name: tensor.contiguous() for name, tensor in weights.items()}
    save_file(kept, folder / "model.safetensors", metadata={"format": "pt"})
    return weights
