"""LLaMA-Factory's reward models: a language model, and `value_head.safetensors` beside it.

Source: LLaMA-Factory's `rm` stage, which trains trl's `AutoModelForCausalLMWithValueHead`: `v_head`
is dropout and a linear layer called `summary`, in float32; a text's reward is its value at the last
token. The language model's own head is not used.
"""

from __future__ import annotations

from collections import OrderedDict
from pathlib import Path

from safetensors.torch import load_file
from torch import Tensor, nn

from bestofn.core.errors import ModelError
from bestofn.rewards.checkpoints.assembly import (
    causal_model,
    read_tokenizer,
    read_trunk_and_head,
    transformers_config,
)
from bestofn.rewards.checkpoints.interface import Checkpoint, LoadedModel
from bestofn.rewards.checkpoints.tensors import READING_FAULTS, read_tensors, reading_fault

VALUE_HEAD = "value_head.safetensors"
WEIGHT, BIAS = "v_head.summary.weight", "v_head.summary.bias"


def has_value_head(checkpoint: Checkpoint) -> bool:
    """Whether the file is there."""
    return (checkpoint.folder / VALUE_HEAD).is_file()


def load(checkpoint: Checkpoint) -> LoadedModel:
    """Read the checkpoint; see `bestofn.rewards.checkpoints.loading.load`."""
    config = transformers_config(checkpoint)
    held = _value_head(checkpoint.folder / VALUE_HEAD)
    rows, width = held[WEIGHT].shape
    if rows != 1:
        raise ModelError(
            f"{checkpoint.folder / VALUE_HEAD} has {rows} rows: no rule says how several numbers "
            "make one reward"
        )
    tokenizer = read_tokenizer(checkpoint)
    dtype = checkpoint.placement.dtype_for(config)
    weights = {name: tensor.to(dtype) for name, tensor in read_tensors(checkpoint.folder)}
    weights |= {name: tensor.to(dtype) for name, tensor in held.items()}
    trunk, head = read_trunk_and_head(
        checkpoint,
        config,
        "v_head",
        lambda: nn.Sequential(OrderedDict(summary=nn.Linear(width, 1, bias=BIAS in held))),
        converted=weights,
    )
    return causal_model(checkpoint, config, trunk, head, tokenizer=tokenizer)


def _value_head(path: Path) -> dict[str, Tensor]:
    try:
        held = load_file(path)
    except READING_FAULTS as error:
        raise ModelError(f"{path} cannot be read: {reading_fault(error)}") from error
    if WEIGHT not in held or held[WEIGHT].dim() != 2:
        raise ModelError(f"{path} holds no matrix {WEIGHT}, which LLaMA-Factory writes there")
    return held
