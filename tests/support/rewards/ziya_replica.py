"""A small checkpoint laid out as Ziya-LLaMA-7B-Reward is, with random weights."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from pathlib import Path

import sentencepiece
import torch
from torch import Tensor

from tests.support.rewards import plain_llama

CORPUS = (
    "天空是蓝色的，因为空气散射阳光。",
    "请写一句话介绍春天的花园。",
    "水的污染来自工厂和农田。",
    "老师教我们读书写字，谢谢老师。",
    "The kettle sings while the rain falls on the roof.",
    "Write one sentence about a garden in spring.",
    "A short answer is often the better answer.",
    "Human: what is the colour of the sky? Assistant: it is blue.",
)
PIECES = 420
PAD = PIECES
SHAPE = plain_llama.Shape(vocabulary=PIECES + 1)
HEAD = "value_head"


def write(folder: Path, *, seed: int = 0, max_positions: int = 2048) -> dict[str, Tensor]:
    """Write the checkpoint into an empty folder; returns its weights, for the plain reading."""
    weights = plain_llama.random_weights(SHAPE, HEAD, head_bias=True, seed=seed)
    _write_config(folder, max_positions)
    _write_tokenizer(folder)
    _write_shards(folder, weights)
    return weights


def reference_ids(folder: Path, text: str, ended: bool) -> list[int]:
    """`2 ... 2` by sentencepiece itself: </s> is bos and eos, and eos stands where it ended."""
    model = sentencepiece.SentencePieceProcessor(model_file=str(folder / "tokenizer.model"))
    return [2, *model.encode(text), *([2] if ended else [])]


def _write_config(folder: Path, max_positions: int) -> None:
    config = {
        "architectures": ["LlamaRewardModel"],
        "auto_map": {"AutoModel": "modeling_llama_rm.LlamaRewardModel"},
        "bos_token_id": 1,
        "eos_token_id": 2,
        "hidden_act": "silu",
        "hidden_size": SHAPE.hidden,
        "initializer_range": 0.02,
        "intermediate_size": SHAPE.inner,
        "max_position_embeddings": max_positions,
        "model_type": "llama",
        "num_attention_heads": SHAPE.heads,
        "num_hidden_layers": SHAPE.layers,
        "pad_token_id": 0,
        "rms_norm_eps": SHAPE.epsilon,
        "tie_word_embeddings": False,
        "torch_dtype": "float32",
        "transformers_version": "4.28.1",
        "use_cache": True,
        "vocab_size": SHAPE.vocabulary,
    }
    (folder / "config.json").write_text(json.dumps(config))


def write_pieces(folder: Path) -> None:
    """The sentencepiece model, tokenizer.model: 420 pieces, of which 256 are bytes."""
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(CORPUS),
        model_writer=model,
        model_type="bpe",
        vocab_size=PIECES,
        byte_fallback=True,
        split_digits=True,
        normalization_rule_name="identity",
        remove_extra_whitespaces=False,
        unk_id=0,
        bos_id=1,
        eos_id=2,
        pad_id=-1,
        num_threads=1,
        minloglevel=2,
    )
    (folder / "tokenizer.model").write_bytes(model.getvalue())


def _write_tokenizer(folder: Path) -> None:
    write_pieces(folder)
    end = {"content": "</s>", "lstrip": False, "normalized": True, "single_word": False}
    special = {"bos_token": end, "eos_token": end, "unk_token": end, "pad_token": "[PAD]"}
    (folder / "special_tokens_map.json").write_text(json.dumps(special))
    (folder / "added_tokens.json").write_text(json.dumps({"[PAD]": PAD}))
    settings = {
        "bos_token": "",
        "eos_token": "",
        "unk_token": "",
        "model_max_length": 1000000000000000019884624838656,
        "tokenizer_class": "LlamaTokenizer",
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))


def _write_shards(folder: Path, weights: dict[str, Tensor], shards: int = 3) -> None:
    width = SHAPE.width
    buffers = {
        f"model.layers.{layer}.self_attn.rotary_emb.inv_freq": 10000.0
        ** (-torch.arange(0, width, 2) / width)
        for layer in range(SHAPE.layers)
    }
    keys: Sequence[str] = sorted({**weights, **buffers})
    where = {
        key: f"pytorch_model-{at % shards + 1:05d}-of-{shards:05d}.bin"
        for at, key in enumerate(keys)
    }
    for name in sorted(set(where.values())):
        held = {key: {**weights, **buffers}[key] for key in keys if where[key] == name}
        torch.save(held, folder / name)
    index = {"metadata": {"total_size": 0}, "weight_map": where}
    (folder / "pytorch_model.bin.index.json").write_text(json.dumps(index))
