"""Weights of a checkpoint into a module (safetensors, pickles, bitsandbytes): whole or not at all.

`Placement` says on which device and in which type.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from transformers import BitsAndBytesConfig

from bestofn.core.errors import ConfigError, ModelError
from bestofn.rewards.checkpoints.tensors import READING_FAULTS, WRAPPERS, is_wrapped, reading_fault
from bestofn.settings.choices import Quantization
from bestofn.support.error_text import first_line

logger = logging.getLogger(__name__)

HALF = (torch.float16, torch.bfloat16)


HEADS = ("classifier", "lm_head", "regression_head", "score", "score_head", "v_head", "value_head")
"""What heads are called. They stay in the type that the rest of the model computes in."""

PACKED_ROWS = 32
"""Of a matrix that bitsandbytes packs together for a CPU."""

_TRUNK = re.compile(r"(?:^|\.)(?:layers?|h|blocks?)\.\d+\.")
_REWARD_HEAD = re.compile(rf"(?:^|\.)(?:{'|'.join(set(HEADS) - {'lm_head'})})\.")
_BUFFER = re.compile(r"(?:inv_freq|masked_bias|attn\.bias|position_ids)$")
"""Names of a layer's weights, of a reward head's, and of what follows from the config."""


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a model runs, and in which type; None: to be chosen for the checkpoint.

    Args:
        device: where.
        dtype: of its weights, and of all it computes.
        quantization: of its matrices, but for embeddings and heads; None: none.
    """

    device: torch.device
    dtype: torch.dtype | None
    quantization: Quantization | None = None

    @classmethod
    def of(cls, device: str, dtype: str, quantization: Quantization | None = None) -> Placement:
        """From the names a user writes; `auto` takes CUDA where there is one.

        Raises:
            ConfigError: a name is not torch's, the device is not there, or what quantises is not
                installed.
        """
        if quantization is not None and not all(map(find_spec, ("bitsandbytes", "accelerate"))):
            raise ConfigError(
                "quantization needs bitsandbytes: pip install 'bestofn-middleware[quantized]'"
            )
        if device == "auto":
            device = "cuda" if torch.cuda.is_available() else "cpu"
        try:
            where = torch.device(device)
        except RuntimeError as error:
            raise ConfigError(f"device {device} is none of torch's: {first_line(error)}") from error
        if where.type == "cuda" and not torch.cuda.is_available():
            raise ConfigError(
                f"device {device} was asked for, but torch {torch.__version__} has no GPU"
            )
        kind = None if dtype == "auto" else getattr(torch, dtype, None)
        if dtype != "auto" and not (isinstance(kind, torch.dtype) and kind.is_floating_point):
            raise ConfigError(f"dtype {dtype} is none of float32, bfloat16, float16, auto")
        return cls(where, kind, quantization)

    def dtype_for(self, config: Any, half: torch.dtype = torch.bfloat16) -> torch.dtype:
        """The type to load in: the user's; else float32 on a CPU, and on a GPU the checkpoint's if
        that is a half precision, `half` if not."""
        if self.dtype is not None:
            return self.dtype
        if self.device.type == "cpu":
            return torch.float32
        stored = getattr(config, "dtype", None)
        if stored in HALF:
            half = stored
        if half is torch.bfloat16 and self.device.type == "cuda":
            return (
                half if torch.cuda.is_bf16_supported(including_emulation=False) else torch.float16
            )
        return half


def read_weights(
    auto: Any,
    folder: Path,
    config: Any,
    placement: Placement,
    dtype: torch.dtype,
    *,
    converted: dict[str, Tensor] | None = None,
    **options: Any,
) -> nn.Module:
    """The module with the checkpoint's weights, in evaluation mode.

    transformers builds it without memory and fills it tensor by tensor from the mapped shards, so
    the host needs the weights once, in `dtype`. Pickles are read with `weights_only`.

    Args:
        auto: a transformers class with `from_pretrained`.
        folder: the checkpoint.
        config: its config.
        placement: the device.
        dtype: the type to load in.
        converted: the weights, where the folder has them under other names.
        options: further arguments of `from_pretrained`.

    Raises:
        ModelError: a file is absent, corrupt or of another shape, a weight is missing, or the
            device has not enough memory.
    """
    _refuse_bitsandbytes(folder, config)
    try:
        if converted is None and is_wrapped(folder):
            options["key_mapping"] = {WRAPPERS: ""}
        model, info = auto.from_pretrained(
            folder if converted is None else None,
            config=config,
            dtype=dtype,
            state_dict=converted,
            output_loading_info=True,
            **_quantised(placement, dtype),
            **options,
        )
    except READING_FAULTS as error:
        raise ModelError(
            f"the weights in {folder} cannot be read: {reading_fault(error)}"
        ) from error
    if missing := sorted(info["missing_keys"]):
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        raise ModelError(
            f"the checkpoint in {folder} lacks {missing[-1]}{more}: without its trained head and "
            "trunk it would score at random"
        )
    _refuse_unused(folder, sorted(info["unexpected_keys"]))
    try:
        if placement.quantization is None:  # else it is there already
            model = model.to(placement.device)
    except torch.OutOfMemoryError as error:
        raise ModelError(f"{folder} does not fit on {placement.device} in {dtype}") from error
    module: nn.Module = model.eval()
    if placement.quantization == "4bit":
        _keep_unpackable(module)
    return module.requires_grad_(False)


def _keep_unpackable(module: nn.Module) -> None:
    """Keep four-bit matrices as they are that bitsandbytes cannot pack for a CPU's bfloat16.

    Where a CPU has AVX512-BF16 it packs each in its first forward, by `PACKED_ROWS` rows and whole
    blocks of scales, and fails on every other shape (0.50, bitsandbytes/functional.py,
    `_convert_weight_packed_for_cpu`).
    """
    from bitsandbytes.nn.modules import Linear4bit

    for part in module.modules():
        if isinstance(part, Linear4bit):
            weight: Any = part.weight
            block = weight.quant_state.blocksize
            if part.out_features % PACKED_ROWS or part.in_features % block:
                part.support_avx512bf16_for_cpu = False


def _refuse_bitsandbytes(folder: Path, config: Any) -> None:
    """Refuse weights that bitsandbytes has quantised already, which cannot be moved or read here.

    Raises:
        ModelError: they are.
    """
    said = getattr(config, "quantization_config", None)
    method = said.get("quant_method") if isinstance(said, dict) else None
    if method == "bitsandbytes" or (isinstance(said, dict) and said.get("load_in_4bit")):
        raise ModelError(
            f"{folder} was saved as bitsandbytes has quantised it: name the model as it was before "
            "that, and quantization: 4bit or 8bit"
        )


def _refuse_unused(folder: Path, unused: Sequence[str]) -> None:
    """Refuse to leave out what makes the reward; of the rest the log says how much it is.

    Raises:
        ModelError: weights of layers, or of a reward head, have no place in the model.
    """
    needed = [
        name
        for name in unused
        if not _BUFFER.search(name) and (_TRUNK.search(name) or _REWARD_HEAD.search(name))
    ]
    if needed:
        more = f" and {len(needed) - 1} more" if len(needed) > 1 else ""
        raise ModelError(
            f"the checkpoint in {folder} holds {needed[0]}{more}, for which its config.json has no "
            "place: without them it would give other rewards"
        )
    if unused:
        logger.warning("%s holds %d weights that are not used: %s", folder, len(unused), unused[0])


def _quantised(placement: Placement, dtype: torch.dtype) -> dict[str, Any]:
    """Arguments of `from_pretrained` that make bitsandbytes quantise what is read.

    NF4 is the four-bit type that arXiv 2305.14314 finds best for weights that are normal.
    """
    if placement.quantization is None:
        return {}
    # It says at every matrix of every forward that int8 computes in float16.
    logging.getLogger("bitsandbytes.autograd._functions").setLevel(logging.ERROR)
    if placement.quantization == "8bit":
        how: dict[str, Any] = {"load_in_8bit": True}
    else:
        how = {
            "load_in_4bit": True,
            "bnb_4bit_quant_type": "nf4",
            "bnb_4bit_compute_dtype": dtype,
        }
    config = BitsAndBytesConfig(  # type: ignore[no-untyped-call]
        llm_int8_skip_modules=list(HEADS), **how
    )
    return {"quantization_config": config, "device_map": {"": placement.device}}
