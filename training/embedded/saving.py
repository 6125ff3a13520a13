"""Writing the models to disk."""

from __future__ import annotations

import copy
from pathlib import Path

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerFast

DTYPE = torch.bfloat16
"""Half the size of float32; the figures in the README were measured with these files."""


MAX_NEW_TOKENS = 200
"""What the generator's generation_config limits an answer to, where nobody asks for another limit:
every complete answer of the world is shorter, only loops are longer."""


def save(model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast, directory: Path) -> None:
    """Write config, weights (safetensors, in `DTYPE`) and tokenizer; `model` itself is left alone.

    Files of the same names are replaced.
    """
    stored = copy.deepcopy(model).to(DTYPE)  # type: ignore[arg-type]
    if stored.can_generate():
        stored.generation_config.max_new_tokens = MAX_NEW_TOKENS
    stored.save_pretrained(directory)
    tokenizer.save_pretrained(directory)
    for file in directory.iterdir():
        file.chmod(0o644)  # safetensors writes files that only their owner may read
