"""Owns UltraRM and Eurus-RM: a Llama or Mistral trunk with a `regression_head` without bias.

Source: the code on UltraRM's model card and Eurus-RM's modeling file. Read at the last token.
"""

from __future__ import annotations

from torch import nn
from transformers import LlamaConfig, MistralConfig

from bestofn.rewards.checkpoints.common import causal, read_headed, read_settings, read_tokenizer
from bestofn.rewards.checkpoints.interface import Loaded, Source


def load_ultrarm(source: Source) -> Loaded:
    """Read the checkpoint; see `bestofn.rewards.checkpoints.loading.load`."""
    return _load(source, LlamaConfig)


def load_eurus(source: Source) -> Loaded:
    """Read the checkpoint; see `bestofn.rewards.checkpoints.loading.load`."""
    return _load(source, MistralConfig)


def _load(source: Source, kind: type) -> Loaded:
    settings = read_settings(source, kind)
    tokenizer = read_tokenizer(source)
    trunk, head = read_headed(
        source, settings, "regression_head", lambda: nn.Linear(settings.hidden_size, 1, bias=False)
    )
    return causal(source, settings, trunk, head, tokenizer=tokenizer)
