"""A small PairRM checkpoint on disk, and an independent plain reading of its weights."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from torch import Tensor

from tests.support.rewards.ziya_replica import CORPUS

PAD, CLS, SEP = "[PAD]", "[CLS]", "[SEP]"
MARKS = ("<|source|>", "<|candidate1|>", "<|candidate2|>")
VOCABULARY, HIDDEN, INNER, LAYERS, HEADS = 330, 32, 48, 2, 4
BUCKETS, POSITIONS = 8, 64
"""Distances from 5 on share buckets, so that the logarithmic ones are met."""
EPSILON = 1e-7
TASKS = 2


def write(folder: Path, *, changes: dict[str, Any] | None = None) -> dict[str, Tensor]:
    """Write the checkpoint into an empty folder; returns its weights.

    Args:
        folder: where.
        changes: what config.json says otherwise; a value of None takes the key out.
    """
    tokenizer = write_tokenizer(folder)
    names = ("source_prefix_id", "cand1_prefix_id", "cand2_prefix_id")
    config = {
        "architectures": ["DebertaV2PairRM"],
        "model_type": "deberta-v2",
        "vocab_size": VOCABULARY,
        "hidden_size": HIDDEN,
        "intermediate_size": INNER,
        "num_hidden_layers": LAYERS,
        "num_attention_heads": HEADS,
        "hidden_act": "gelu",
        "layer_norm_eps": EPSILON,
        "max_position_embeddings": POSITIONS,
        "max_relative_positions": -1,
        "position_buckets": BUCKETS,
        "position_biased_input": False,
        "relative_attention": True,
        "share_att_key": True,
        "norm_rel_ebd": "layer_norm",
        "pos_att_type": ["p2c", "c2p"],
        "type_vocab_size": 0,
        "pad_token_id": tokenizer.token_to_id(PAD),
        "n_tasks": TASKS,
        "drop_out": 0.05,
        **{name: tokenizer.token_to_id(mark) for name, mark in zip(names, MARKS, strict=True)},
        **(changes or {}),
    }
    given = {key: value for key, value in config.items() if value is not None}
    (folder / "config.json").write_text(json.dumps(given))
    weights = random_weights()
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    return weights


def write_tokenizer(folder: Path, marks: Sequence[str] = MARKS) -> Tokenizer:
    """Byte-level BPE that frames a text with [CLS] and [SEP]."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY - len(marks),
        special_tokens=[PAD, CLS, SEP],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(CORPUS, trainer)
    tokenizer.add_tokens(list(marks))
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{CLS} $A {SEP}",
        special_tokens=[(token, tokenizer.token_to_id(token)) for token in (CLS, SEP)],
    )
    tokenizer.save(str(folder / "tokenizer.json"))
    settings = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "pad_token": PAD,
        "cls_token": CLS,
        "sep_token": SEP,
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    return tokenizer


def random_weights(seed: int = 0) -> dict[str, Tensor]:
    """Weights under the names that they have in LLM-Blender's checkpoints."""
    draw = torch.Generator().manual_seed(seed)

    def normal(*shape: int, scale: float = 0.3) -> Tensor:
        return torch.randn(*shape, generator=draw) * scale

    weights = {
        "embeddings.word_embeddings.weight": normal(VOCABULARY, HIDDEN, scale=1.0),
        "encoder.rel_embeddings.weight": normal(2 * BUCKETS, HIDDEN, scale=1.0),
    }
    layers = {
        "attention.self.query_proj": (HIDDEN, HIDDEN),
        "attention.self.key_proj": (HIDDEN, HIDDEN),
        "attention.self.value_proj": (HIDDEN, HIDDEN),
        "attention.output.dense": (HIDDEN, HIDDEN),
        "intermediate.dense": (INNER, HIDDEN),
        "output.dense": (HIDDEN, INNER),
    }
    norms = ["embeddings.LayerNorm", "encoder.LayerNorm"]
    for layer in range(LAYERS):
        at = f"encoder.layer.{layer}"
        for name, shape in layers.items():
            weights[f"{at}.{name}.weight"] = normal(*shape)
            weights[f"{at}.{name}.bias"] = normal(shape[0])
        norms += [f"{at}.attention.output.LayerNorm", f"{at}.output.LayerNorm"]
    for name in norms:
        weights[f"{name}.weight"] = 1 + normal(HIDDEN)
        weights[f"{name}.bias"] = normal(HIDDEN)
    head = {
        "head_layer.1.weight": normal(HIDDEN, 2 * HIDDEN),
        "head_layer.1.bias": normal(HIDDEN),
        "head_layer.4.weight": normal(TASKS, HIDDEN),
        "head_layer.4.bias": normal(TASKS),
    }
    return {f"pretrained_model.{name}": weight for name, weight in weights.items()} | head


def ids_of(folder: Path, mark: str, text: str) -> list[int]:
    """A framed text behind its mark, by the tokenizers library itself."""
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    ids: list[int] = tokenizer.encode(mark + text).ids
    return ids


def margin(weights: dict[str, Tensor], *parts: Sequence[int]) -> float:
    """What the model says of (source, candidate 1, candidate 2), in float64.

    Each part is framed, its mark at place 1.
    """
    exact = {name: weight.double() for name, weight in weights.items()}
    states = _states([token for part in parts for token in part], exact)
    places = [1 + sum(len(part) for part in parts[:number]) for number in range(3)]
    source, first, second = (states[place] for place in places)

    def score(candidate: Tensor) -> Tensor:
        inner = _linear(torch.cat([source, candidate]), exact, "head_layer.1")
        return _linear(torch.tanh(inner), exact, "head_layer.4")

    return float((score(first) - score(second)).sum() / TASKS)


def _states(ids: Sequence[int], weights: dict[str, Tensor]) -> Tensor:
    """The last states of a DeBERTa-v2 trunk with shared keys: content to content, content to
    position and position to content, each over the root of three head sizes."""
    under = "pretrained_model."
    states = _norm(
        weights[under + "embeddings.word_embeddings.weight"][list(ids)],
        weights,
        under + "embeddings.LayerNorm",
    )
    table = _norm(
        weights[under + "encoder.rel_embeddings.weight"], weights, under + "encoder.LayerNorm"
    )
    size = HIDDEN // HEADS
    count = len(ids)
    places = range(count)
    near = torch.tensor([[_bucket(i - j) + BUCKETS for j in places] for i in places])
    near = near.clamp(0, 2 * BUCKETS - 1)
    rows, columns = torch.arange(count)[:, None], torch.arange(count)[None, :]
    for layer in range(LAYERS):
        at = f"{under}encoder.layer.{layer}."
        own = at + "attention.self."
        query, key, value = (
            _linear(states, weights, f"{own}{name}_proj") for name in ("query", "key", "value")
        )
        place_key, place_query = (
            _linear(table, weights, f"{own}{name}_proj") for name in ("key", "query")
        )
        heads = []
        for head in range(HEADS):
            part = slice(head * size, (head + 1) * size)
            by_place = query[:, part] @ place_key[:, part].T
            of_place = key[:, part] @ place_query[:, part].T
            scores = (
                query[:, part] @ key[:, part].T + by_place[rows, near] + of_place[columns, near]
            )
            scores = scores / math.sqrt(3 * size)
            heads.append(torch.softmax(scores, -1) @ value[:, part])
        attended = _linear(torch.cat(heads, -1), weights, at + "attention.output.dense")
        states = _norm(states + attended, weights, at + "attention.output.LayerNorm")
        inner = torch.nn.functional.gelu(_linear(states, weights, at + "intermediate.dense"))
        outer = _linear(inner, weights, at + "output.dense")
        states = _norm(states + outer, weights, at + "output.LayerNorm")
    return states


def _bucket(distance: int) -> int:
    middle, far = BUCKETS // 2, abs(distance)
    if far <= middle:
        return distance
    share = math.log(far / middle) / math.log((POSITIONS - 1) / middle)
    return int(math.copysign(math.ceil(share * (middle - 1)) + middle, distance))


def _linear(states: Tensor, weights: dict[str, Tensor], name: str) -> Tensor:
    return states @ weights[name + ".weight"].T + weights[name + ".bias"]


def _norm(states: Tensor, weights: dict[str, Tensor], name: str) -> Tensor:
    mean = states.mean(-1, keepdim=True)
    spread = ((states - mean) ** 2).mean(-1, keepdim=True)
    return (states - mean) / torch.sqrt(spread + EPSILON) * weights[name + ".weight"] + weights[
        name + ".bias"
    ]
