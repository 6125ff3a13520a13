"""The arithmetic of one GPU shared by a generator and the reward models that score it.

    total = generator's weights + its activations + its KV cache     vLLM's share
          + reward models' weights + their caches + one's activations
          + CUDA contexts and graphs + headroom

`Plan.kv_bytes` is what is left for the KV cache; it `fits` where that holds the candidates of one
prompt at once.

Weights and caches follow from headers and configs, to the byte. Activations, CUDA contexts and
graphs are estimates, stated here; vLLM measures its own when it starts and gives its cache the
difference.
"""

from __future__ import annotations

import bisect
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bestofn.gpu_memory.checkpoint_size import WeightSizes
from bestofn.gpu_memory.model_shape import Shape
from bestofn.settings.choices import Quantization

GIB = 2**30

CONTEXT_BYTES = GIB // 2
"""Estimate: a CUDA context with the workspaces of cuBLAS, in each of the two processes."""

GRAPH_BYTES = GIB // 2
"""Estimate: the CUDA graphs that vLLM captures beside its share."""

HEADROOM = 0.03
"""Part of the card that is never planned: what the allocators lose between their blocks."""

LARGE_CARD = 70 * GIB
"""From here on vLLM batches more (vllm/engine/arg_utils.py, `get_batch_defaults`, 0.32)."""


@dataclass(frozen=True, slots=True)
class Card:
    """A GPU's memory.

    Args:
        total: bytes of it all.
        free: bytes that nobody uses yet.
    """

    total: int
    free: int

    @classmethod
    def empty(cls, total: int) -> Card:
        """A card that nobody uses."""
        return cls(total, total)


@dataclass(frozen=True, slots=True)
class GeneratorSize:
    """The generator, in a vLLM engine.

    Args:
        name: the user's for it.
        weights: its sizes.
        shape: its layers and widths.
        item: bytes of one number of its weights, where they are floats.
        cache_item: bytes of one number of its cache.
    """

    name: str
    weights: WeightSizes
    shape: Shape
    item: int = 2
    cache_item: int = 2


@dataclass(frozen=True, slots=True)
class RewardModelSize:
    """A reward model in this process.

    Args:
        name: the user's for it.
        weights: its sizes.
        shape: its layers and widths.
        item: bytes of one number.
        quantization: of its matrices.
        batch_tokens: tokens of one forward, at most.
        cache_tokens: tokens whose keys and values it keeps.
    """

    name: str
    weights: WeightSizes
    shape: Shape
    item: int = 2
    quantization: Quantization | None = None
    batch_tokens: int = 8192
    cache_tokens: int = 8192

    @property
    def weight_bytes(self) -> int:
        """Of its weights."""
        return self.weights.on_device(self.item, self.quantization)

    @property
    def activation_bytes(self) -> int:
        """Estimate: in one forward, eight hidden states and three of its MLP's for each token."""
        shape = self.shape
        return self.batch_tokens * (8 * shape.hidden + 3 * shape.intermediate) * self.item

    @property
    def cache_bytes(self) -> int:
        """Of the keys and values that it keeps."""
        return self.cache_tokens * self.shape.token_bytes(self.item)

    @property
    def total_bytes(self) -> int:
        """Of all three."""
        return self.weight_bytes + self.activation_bytes + self.cache_bytes


@dataclass(frozen=True, slots=True)
class Plan:
    """Who gets how much of a card.

    Args:
        card: the card.
        generator: what samples.
        reward_models: what scores in this process; none: nothing does, or it is elsewhere.
        best_of: candidates of one prompt that are to run at once.
        response_tokens: of each of them, at most.
        wanted_context: tokens of prompt and response; None: the most that fits, up to the model's.
    """

    card: Card
    generator: GeneratorSize
    reward_models: Sequence[RewardModelSize]
    best_of: int
    response_tokens: int
    wanted_context: int | None = None

    @property
    def generator_activations(self) -> int:
        """Estimate: in one step, four hidden states and three of the MLP's for each token; then
        the logits of each sequence, once as they are and twice in float32 for sampling."""
        large = self.card.total >= LARGE_CARD
        tokens, sequences = (8192, 1024) if large else (2048, 256)
        shape = self.generator.shape
        each = (4 * shape.hidden + 3 * shape.intermediate) * self.generator.item
        return tokens * each + sequences * shape.vocab * (self.generator.item + 8)

    @property
    def generator_weights(self) -> int:
        """Of the generator's weights."""
        return self.generator.weights.on_device(self.generator.item)

    @property
    def runtime(self) -> int:
        """Contexts and graphs."""
        return GRAPH_BYTES + CONTEXT_BYTES * (2 if self.reward_models else 1)

    @property
    def headroom(self) -> int:
        """What is not planned."""
        return round(self.card.total * HEADROOM)

    @property
    def reward_bytes(self) -> int:
        """Of everything that scores; they take turns, so the largest activations count once."""
        largest = max((scorer.activation_bytes for scorer in self.reward_models), default=0)
        return largest + sum(
            scorer.total_bytes - scorer.activation_bytes for scorer in self.reward_models
        )

    @property
    def before_cache(self) -> int:
        """Of everything but the generator's cache."""
        generator = self.generator_weights + self.generator_activations
        return generator + self.reward_bytes + self.runtime + self.headroom

    @property
    def kv_bytes(self) -> int:
        """What is left for the generator's cache; below zero where nothing is."""
        return self.card.free - self.before_cache

    @property
    def kv_tokens(self) -> int:
        """Tokens in that cache, while every layer sees them all."""
        each = self.generator.shape.token_bytes(self.generator.cache_item)
        return max(0, self.kv_bytes) // each if each else 0

    @property
    def own_context(self) -> int:
        """Tokens that the model itself takes; one response and a prompt as long if it is silent."""
        return self.generator.shape.context or 2 * self.response_tokens

    @property
    def context(self) -> int:
        """Tokens of prompt and response: as wanted, else the most of the model's that fit; the
        least that makes sense, a prompt as long as a response, where nothing does."""
        if self.wanted_context is not None:
            return self.wanted_context
        least = min(2 * self.response_tokens, self.own_context)
        return largest_fitting(least, self.own_context, self._fits_at) or least

    def needs(self, context: int) -> int:
        """Bytes of cache in which the candidates of one prompt run at once, the prompt once."""
        response = min(self.response_tokens, context)
        cache, item = self.generator.shape.cache_bytes, self.generator.cache_item
        return cache(context, item) + (self.best_of - 1) * cache(response, item)

    @property
    def fits(self) -> bool:
        """Whether the candidates of one prompt run at once."""
        return self._fits_at(self.context)

    @property
    def candidates_of_one_prompt(self) -> int:
        """Candidates of the longest prompt that run at once, each at its full length."""
        cache, item = self.generator.shape.cache_bytes, self.generator.cache_item
        rest = self.kv_bytes - cache(self.context, item)
        each = cache(min(self.response_tokens, self.context), item)
        return 0 if rest < 0 else 1 + rest // max(each, 1)

    @property
    def candidates_alone(self) -> int:
        """Candidates that share nothing and fill the context, that run at once."""
        each = self.generator.shape.cache_bytes(self.context, self.generator.cache_item)
        return max(0, self.kv_bytes) // max(each, 1)

    def engine_flags(self) -> list[str]:
        """vLLM's flags for its share: of the whole card, rounded down to a thousandth."""
        share = self.generator_weights + self.generator_activations + max(0, self.kv_bytes)
        flags = [f"--gpu-memory-utilization={int(share / self.card.total * 1000) / 1000:.3f}"]
        if self.context < self.own_context:
            flags.append(f"--max-model-len={self.context}")
        if self.generator.cache_item == 1:
            flags.append("--kv-cache-dtype=fp8")
        return flags

    def _fits_at(self, context: int) -> bool:
        return self.needs(context) <= self.kv_bytes


def largest_fitting(low: int, high: int, fits: Callable[[int], bool]) -> int | None:
    """The largest number from `low` to `high` for which `fits` holds, by bisection; None: none.

    Args:
        low: the least.
        high: the most.
        fits: true up to some number, false above it.
    """
    fitting = bisect.bisect_left(range(low, high + 1), True, key=lambda number: not fits(number))
    return low + fitting - 1 if fitting else None
