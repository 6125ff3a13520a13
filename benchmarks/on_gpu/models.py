"""Models of random weights: made on the device, and as folders that a checkpoint loader reads."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn
from transformers import AutoTokenizer, LlamaConfig, LlamaForSequenceClassification, LlamaModel

from benchmarks.scoring import CASES
from benchmarks.scoring_ways import Random
from bestofn import embedded
from bestofn.gpu_memory.from_models import plan_for
from bestofn.gpu_memory.planner import Card, RewardModelSize
from bestofn.rewards.checkpoints.interface import LoadedModel
from bestofn.rewards.local.choose_reader import causal_reader
from bestofn.rewards.local.readers import Head
from bestofn.rewards.local.token_budget import TokenBudget
from bestofn.rewards.text.hub_encoder import hub_encoder
from bestofn.rewards.text.text_maker import text_maker
from bestofn.rewards.text.text_spec import TextSpec
from bestofn.rewards.transformers import TransformersRewardModel
from bestofn.settings.rewards import CACHE_TOKENS, RewardSettings

SHAPES: dict[str, dict[str, int]] = {
    "tiny": {"hidden": 64, "inner": 160, "layers": 2, "heads": 4, "kv": 2, "vocabulary": 1024},
    "1b": {"hidden": 2048, "inner": 8192, "layers": 16, "heads": 32, "kv": 8, "vocabulary": 128256},
    "8b": {
        "hidden": 4096,
        "inner": 14336,
        "layers": 32,
        "heads": 32,
        "kv": 8,
        "vocabulary": 128256,
    },
}
"""A shape for dry runs, Llama-3.2-1B's and Llama-3.1-8B's."""

Case = tuple[int, int, int]
"""(P, R, N): tokens of the prompt, of the answers in the mean, and how many answers."""


def cases_of(shape: str) -> Sequence[Case]:
    """Those of `benchmarks.scoring`; a tenth of the tokens for the dry run."""
    if shape != "tiny":
        return CASES
    return [(prompt // 10, answer // 10, max(4, count // 4)) for prompt, answer, count in CASES]


def config_of(shape: str, dtype: torch.dtype) -> LlamaConfig:
    """The shape as transformers' config."""
    size = SHAPES[shape]
    return LlamaConfig(
        hidden_size=size["hidden"],
        intermediate_size=size["inner"],
        num_hidden_layers=size["layers"],
        num_attention_heads=size["heads"],
        num_key_value_heads=size["kv"],
        vocab_size=size["vocabulary"],
        max_position_embeddings=131072,
        tie_word_embeddings=False,
        dtype=dtype,
    )


def random_model(shape: str, device: torch.device, dtype: torch.dtype, budget: int) -> Random:
    """A trunk and a head of random weights, made on the device: nothing is read or copied.

    Args:
        shape: a key of `SHAPES`.
        device, dtype: of the trunk; the head is in float32.
        budget: tokens of one forward, for the ways that have one.
    """
    config = config_of(shape, dtype)
    with torch.device("meta"):
        trunk: Any = LlamaModel(config)
    trunk = trunk.to(dtype).to_empty(device=device)
    with device:
        trunk.rotary_emb = type(trunk.rotary_emb)(config)  # its buffers follow from the config
    torch.manual_seed(0)
    with torch.no_grad():
        for weight in trunk.parameters():
            if weight.dim() == 1:
                weight.fill_(1)
            else:
                weight.normal_(std=0.02)
        head = nn.Linear(config.hidden_size, 1, bias=False, device=device).requires_grad_(False)
        head.weight.normal_(std=4 / math.sqrt(config.hidden_size))  # rewards of about -4 to 4
    return Random(trunk.eval().requires_grad_(False), head, device, budget)


def whole_model(
    model: Random, budget: TokenBudget, cache_tokens: int = CACHE_TOKENS
) -> TransformersRewardModel:
    """The package's reward model over these weights, with the embedded model's tokenizer."""
    tokenizer = AutoTokenizer.from_pretrained(embedded.reward_path())
    spec = TextSpec(
        encoder=hub_encoder(tokenizer, closes_all=False),
        special_tokens=tokenizer.special_tokens_map,
        chat_template=tokenizer.chat_template,
        max_tokens=None,
    )
    reader = causal_reader(model.trunk, Head(model.head), cache_tokens)
    loaded = LoadedModel(reader, model.device, spec)
    texts = text_maker(spec, "the random model", loaded.format, RewardSettings())
    return TransformersRewardModel(loaded, texts, budget)


def write_folder(folder: Path, *, hidden: int, layers: int, heads: int, kv: int) -> Path:
    """A sequence classifier of random weights in float32, with the embedded model's tokenizer."""
    tokenizer = AutoTokenizer.from_pretrained(embedded.reward_path(), model_max_length=8192)
    config: Any = LlamaConfig(
        hidden_size=hidden,
        intermediate_size=2 * hidden,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        num_key_value_heads=kv,
        vocab_size=len(tokenizer),
        max_position_embeddings=8192,
    )
    config.num_labels, config.pad_token_id = 1, tokenizer.pad_token_id
    torch.manual_seed(0)
    model: Any = LlamaForSequenceClassification(config)  # type: ignore[no-untyped-call]
    with torch.no_grad():
        model.score.weight.normal_(std=4 / math.sqrt(hidden))
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def planned(shape: str, dtype: torch.dtype, folder: Path) -> RewardModelSize:
    """What `bestofn plan` says of a checkpoint of that shape, by headers over a file of holes."""
    config = config_of(shape, dtype)
    config.num_labels = 1
    with torch.device("meta"):
        model: Any = LlamaForSequenceClassification(config)  # type: ignore[no-untyped-call]
    folder.mkdir(parents=True, exist_ok=True)
    config.architectures = ["LlamaForSequenceClassification"]
    config.save_pretrained(folder)
    at, header = 0, {}
    name = {torch.bfloat16: "BF16", torch.float16: "F16", torch.float32: "F32"}[dtype]
    for key, held in model.state_dict().items():
        size = held.numel() * dtype.itemsize
        header[key] = {"dtype": name, "shape": list(held.shape), "data_offsets": [at, at + size]}
        at += size
    packed = json.dumps(header).encode()
    with (folder / "model.safetensors").open("wb") as file:
        file.write(len(packed).to_bytes(8, "little") + packed)
        file.truncate(8 + len(packed) + at)
    settings = RewardSettings(dtype=str(dtype).removeprefix("torch."))
    card = Card.empty(141 << 30)
    plan = plan_for(str(folder), [(str(folder), settings)], card, best_of=16, response_tokens=512)
    (size_of_it,) = plan.reward_models
    return size_of_it


@dataclass(frozen=True, slots=True)
class Work:
    """What scoring texts that share a prompt has to compute, the prompt once.

    Args:
        tokens: that go through the trunk.
        flops: floating-point operations: two for each weight of a matrix and token, and four for
            each number of the query and key that a token sees.
    """

    tokens: int
    flops: float

    @classmethod
    def of(cls, config: LlamaConfig, prompt: int, answers: Sequence[int]) -> Work:
        """Of answers of so many tokens behind one prompt."""
        hidden, inner = config.hidden_size, config.intermediate_size
        width = hidden // config.num_attention_heads
        kv = (config.num_key_value_heads or config.num_attention_heads) * width
        weights = config.num_hidden_layers * (2 * hidden * (hidden + kv) + 3 * hidden * inner)
        tokens = prompt + sum(answers)
        seen = prompt * (prompt + 1) / 2
        seen += sum(answer * prompt + answer * (answer + 1) / 2 for answer in answers)
        attention = 4 * hidden * config.num_hidden_layers * seen
        return cls(tokens, 2 * weights * tokens + attention)
