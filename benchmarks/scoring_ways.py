"""The ways to score N candidates of one prompt that `benchmarks.scoring` puts side by side."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from transformers import LlamaConfig, LlamaModel

from bestofn.rewards.local.alone_reader import AloneReader
from bestofn.rewards.local.compiling import compile_layers
from bestofn.rewards.local.malloc import keep_freed_memory
from bestofn.rewards.local.packed_attention import NAME
from bestofn.rewards.local.packed_reader import PackedReader
from bestofn.rewards.local.readers import Head, PaddedReader, Reader
from bestofn.settings.rewards import CACHE_TOKENS

Texts = Sequence[Sequence[int]]
Way = Callable[[Texts], list[float]]

VOCABULARY = 1000
REWARD_BENCH_BATCH = 8
"""Texts of a batch in RewardBench's script, in the order given (its default `--batch_size`)."""

SHAPES = {
    "small": {"hidden_size": 512, "intermediate_size": 1376, "layers": 8, "heads": 8, "kv": 8},
    "8b": {"hidden_size": 4096, "intermediate_size": 14336, "layers": 32, "heads": 32, "kv": 8},
}
"""A trunk that a CPU computes in a moment, and Llama-3.1-8B's."""


@dataclass(frozen=True, slots=True)
class Random:
    """A reward model with random weights.

    Args:
        trunk: a Llama.
        head: hidden to one number.
        device: where it is.
        budget: tokens of one forward, for the ways that have one.
    """

    trunk: LlamaModel
    head: nn.Linear
    device: torch.device
    budget: int

    @classmethod
    def of(cls, shape: str, device: str, dtype: torch.dtype, budget: int) -> Random:
        """A model of that shape, made where it runs."""
        size = SHAPES[shape]
        config = LlamaConfig(
            hidden_size=size["hidden_size"],
            intermediate_size=size["intermediate_size"],
            num_hidden_layers=size["layers"],
            num_attention_heads=size["heads"],
            num_key_value_heads=size["kv"],
            vocab_size=VOCABULARY,
            max_position_embeddings=8192,
            dtype=dtype,
        )
        torch.manual_seed(0)
        where = torch.device(device)
        previous = torch.get_default_dtype()
        try:
            torch.set_default_dtype(dtype)
            with where:
                trunk: Any = LlamaModel(config).eval().requires_grad_(False)  # type: ignore[no-untyped-call]
                head = nn.Linear(config.hidden_size, 1, bias=False).requires_grad_(False)
        finally:
            torch.set_default_dtype(previous)
        with torch.no_grad():
            head.weight.mul_(20)
        if where.type == "cpu":
            keep_freed_memory()  # for every way, and for the floor: it holds for the process
        return cls(trunk, head.float(), where, budget)

    @classmethod
    def on_trunk(cls, model: Path, device: str, dtype: torch.dtype, budget: int) -> Random:
        """The trunk of a real model, a Llama, and a head of random weights."""
        trunk: Any = LlamaModel.from_pretrained(model, dtype=dtype)
        where = torch.device(device)
        trunk = trunk.to(where).eval().requires_grad_(False)
        torch.manual_seed(0)
        head = nn.Linear(trunk.config.hidden_size, 1, bias=False).requires_grad_(False)
        if where.type == "cpu":
            keep_freed_memory()
        return cls(trunk, head.to(where), where, budget)

    def ways(self) -> Mapping[str, Way]:
        """Every way but vLLM, by name."""
        return {
            "one by one": self._one_by_one,
            "one padded batch": lambda texts: self._padded(texts, [[*range(len(texts))]]),
            "sorted, token budget": self._sorted,
            "batches of 8, as given": self._as_given,
            "bestofn, deterministic": self._deterministic,
            "bestofn": self._ours,
        }

    @torch.inference_mode()
    def floor(self, tokens: int) -> None:
        """One unpadded forward of as many tokens."""
        self._usual()
        ids = torch.randint(VOCABULARY, (1, tokens), device=self.device)
        self._synchronise(self.trunk(input_ids=ids, use_cache=False).last_hidden_state)

    def _usual(self) -> None:
        self.trunk.set_attn_implementation("sdpa")

    def _padded(self, texts: Texts, batches: Sequence[Sequence[int]]) -> list[float]:
        self._usual()
        reader = PaddedReader(self.trunk, Head(self.head))
        rewards = [0.0] * len(texts)
        for batch in batches:
            for place, reading in zip(batch, reader([texts[i] for i in batch]), strict=True):
                (rewards[place],) = reading.values
        return rewards

    def _one_by_one(self, texts: Texts) -> list[float]:
        return self._padded(texts, [[place] for place in range(len(texts))])

    def _as_given(self, texts: Texts) -> list[float]:
        places, size = range(len(texts)), REWARD_BENCH_BATCH
        return self._padded(texts, [places[k : k + size] for k in range(0, len(texts), size)])

    def _sorted(self, texts: Texts) -> list[float]:
        plan = PaddedReader(self.trunk, Head(self.head)).plan(texts, self.budget)
        return self._padded(texts, [batch.indices for batch in plan])

    def compiled(self) -> Way:
        """As `bestofn` with `reward.compile`; the weights are the same in memory."""
        shared = {id(weight): weight for weight in self.trunk.parameters()}
        trunk = copy.deepcopy(self.trunk, shared)
        compile_layers(trunk, "the benchmark's model")
        return dataclasses.replace(self, trunk=trunk)._ours

    def _ours(self, texts: Texts) -> list[float]:
        """With nothing kept from before."""
        return self._read(PackedReader(self.trunk, Head(self.head), CACHE_TOKENS), texts)

    def _deterministic(self, texts: Texts) -> list[float]:
        """With `reward.deterministic`."""
        packed = PackedReader(self.trunk, Head(self.head), CACHE_TOKENS)
        return self._read(AloneReader(packed), texts)

    def _read(self, reader: Reader, texts: Texts) -> list[float]:
        self.trunk.set_attn_implementation(NAME)
        rewards = [0.0] * len(texts)
        for batch in reader.plan(texts, self.budget):
            for place, reading in zip(batch.indices, reader(batch), strict=True):
                (rewards[place],) = reading.values
        return rewards

    def _synchronise(self, out: Tensor) -> None:
        out[0, -1, 0].item()
