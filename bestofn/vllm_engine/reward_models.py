"""Reward models that vLLM does not have, as vLLM models; imported by vLLM, in its processes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import torch
from vllm.model_executor.models.adapters import as_seq_cls_model
from vllm.model_executor.models.llama import LlamaForCausalLM

HEADS = ("value_head.", "regression_head.")
"""What Ziya's and UltraRM's checkpoints call the head that vLLM calls `score`."""


class LlamaRewardModel(as_seq_cls_model(LlamaForCausalLM)):  # type: ignore[misc]
    """Ziya-LLaMA-7B-Reward and UltraRM: a Llama with a linear head at the last token."""

    def load_weights(self, weights: Iterable[tuple[str, torch.Tensor]]) -> set[str]:
        """Load them under vLLM's names; the names that were loaded."""
        loaded: set[str] = super().load_weights(_renamed(weights))
        return loaded


def _renamed(weights: Iterable[tuple[str, torch.Tensor]]) -> Iterator[tuple[str, torch.Tensor]]:
    for name, weight in weights:
        if name.endswith("rotary_emb.inv_freq"):
            continue  # old checkpoints hold it; it follows from the config
        for head in HEADS:
            if name.startswith(head):
                name = "score." + name.removeprefix(head)
        yield name, weight
