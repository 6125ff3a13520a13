"""An independent reading of Llama-like trunks in plain PyTorch: no transformers, no batching.

One text at a time, no mask and no padding, so nothing here can share a fault with the code it
checks. Covers Llama, Mistral (both alike), Qwen2 (biases on q, k and v) and Qwen3 (norms on q and
k), told apart by the keys that are there.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True)
class Shape:
    """Sizes of a trunk; `head_size` 0 means hidden / heads."""

    hidden: int = 48
    inner: int = 80
    layers: int = 3
    heads: int = 4
    kv_heads: int = 4
    vocabulary: int = 320
    head_size: int = 0
    theta: float = 10000.0
    epsilon: float = 1e-6

    @property
    def width(self) -> int:
        return self.head_size or self.hidden // self.heads


def rms_norm(x: Tensor, weight: Tensor, epsilon: float) -> Tensor:
    """Root-mean-square norm."""
    return x / torch.sqrt((x * x).mean(-1, keepdim=True) + epsilon) * weight


def rotate(x: Tensor, theta: float) -> Tensor:
    """Rotary embedding of (length, heads, width): pairs (i, i + width / 2)."""
    length, _, width = x.shape
    half = width // 2
    frequency = theta ** (-torch.arange(half, dtype=torch.float64) * 2 / width)
    angle = torch.outer(torch.arange(length, dtype=torch.float64), frequency)[:, None, :]
    cos, sin = angle.cos().to(x.dtype), angle.sin().to(x.dtype)
    first, second = x[..., :half], x[..., half:]
    return torch.cat([first * cos - second * sin, second * cos + first * sin], -1)


def attention(x: Tensor, weights: Mapping[str, Tensor], name: str, shape: Shape) -> Tensor:
    """Causal attention with grouped queries, one head and one position at a time."""
    length = x.shape[0]

    def project(letter: str, heads: int) -> Tensor:
        out = x @ weights[f"{name}.{letter}_proj.weight"].T
        if f"{name}.{letter}_proj.bias" in weights:
            out = out + weights[f"{name}.{letter}_proj.bias"]
        out = out.view(length, heads, shape.width)
        if f"{name}.{letter}_norm.weight" in weights:
            out = rms_norm(out, weights[f"{name}.{letter}_norm.weight"], shape.epsilon)
        return out

    query = rotate(project("q", shape.heads), shape.theta)
    key = rotate(project("k", shape.kv_heads), shape.theta)
    value = project("v", shape.kv_heads)
    out = torch.zeros_like(query)
    for head in range(shape.heads):
        group = head // (shape.heads // shape.kv_heads)
        for at in range(length):
            scores = key[: at + 1, group] @ query[at, head] / math.sqrt(shape.width)
            out[at, head] = torch.softmax(scores, 0) @ value[: at + 1, group]
    return out.reshape(length, -1) @ weights[f"{name}.o_proj.weight"].T


def swiglu(x: Tensor, weights: Mapping[str, Tensor], name: str) -> Tensor:
    """The feed-forward part."""
    gate = x @ weights[f"{name}.gate_proj.weight"].T
    up = x @ weights[f"{name}.up_proj.weight"].T
    return (gate * torch.sigmoid(gate) * up) @ weights[f"{name}.down_proj.weight"].T


def states(ids: Sequence[int], weights: Mapping[str, Tensor], shape: Shape) -> Tensor:
    """The hidden state after the last norm at each id of one text, (length, hidden)."""
    x = weights["model.embed_tokens.weight"][torch.tensor(ids)]
    for layer in range(shape.layers):
        name = f"model.layers.{layer}"
        normed = rms_norm(x, weights[f"{name}.input_layernorm.weight"], shape.epsilon)
        x = x + attention(normed, weights, f"{name}.self_attn", shape)
        normed = rms_norm(x, weights[f"{name}.post_attention_layernorm.weight"], shape.epsilon)
        x = x + swiglu(normed, weights, f"{name}.mlp")
    return rms_norm(x, weights["model.norm.weight"], shape.epsilon)


def reward(ids: Sequence[int], weights: Mapping[str, Tensor], shape: Shape, head: str) -> float:
    """The head's number at the last id of one text."""
    last = states(ids, weights, shape)[-1]
    value = weights[f"{head}.weight"] @ last
    if f"{head}.bias" in weights:
        value = value + weights[f"{head}.bias"]
    return float(value[0])


def random_weights(
    shape: Shape, head: str, *, head_bias: bool = False, family: str = "llama", seed: int = 0
) -> dict[str, Tensor]:
    """Weights large enough that attention, positions and every token matter."""
    generator = torch.Generator().manual_seed(seed)

    def draw(*size: int, scale: float | None = None) -> Tensor:
        spread = scale if scale is not None else 1.0 / math.sqrt(size[-1])
        return torch.randn(*size, generator=generator) * spread

    queries, keys = shape.heads * shape.width, shape.kv_heads * shape.width
    weights = {"model.embed_tokens.weight": draw(shape.vocabulary, shape.hidden, scale=1.0)}
    for layer in range(shape.layers):
        name = f"model.layers.{layer}"
        weights[f"{name}.self_attn.q_proj.weight"] = draw(queries, shape.hidden) * 2
        weights[f"{name}.self_attn.k_proj.weight"] = draw(keys, shape.hidden) * 2
        weights[f"{name}.self_attn.v_proj.weight"] = draw(keys, shape.hidden)
        weights[f"{name}.self_attn.o_proj.weight"] = draw(shape.hidden, queries)
        if family == "qwen2":
            for letter, size in (("q", queries), ("k", keys), ("v", keys)):
                weights[f"{name}.self_attn.{letter}_proj.bias"] = draw(size, scale=0.2)
        if family == "qwen3":
            for letter in "qk":
                weights[f"{name}.self_attn.{letter}_norm.weight"] = 1 + draw(shape.width, scale=0.2)
        weights[f"{name}.mlp.gate_proj.weight"] = draw(shape.inner, shape.hidden)
        weights[f"{name}.mlp.up_proj.weight"] = draw(shape.inner, shape.hidden)
        weights[f"{name}.mlp.down_proj.weight"] = draw(shape.hidden, shape.inner)
        weights[f"{name}.input_layernorm.weight"] = 1 + draw(shape.hidden, scale=0.1)
        weights[f"{name}.post_attention_layernorm.weight"] = 1 + draw(shape.hidden, scale=0.1)
    weights["model.norm.weight"] = 1 + draw(shape.hidden, scale=0.1)
    weights[f"{head}.weight"] = draw(1, shape.hidden)
    if head_bias:
        weights[f"{head}.bias"] = draw(1, scale=1.0)
    return weights
