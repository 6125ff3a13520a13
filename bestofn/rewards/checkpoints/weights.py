"""Weights of a checkpoint into a module (safetensors, pickles, bitsandbytes): whole or not at all.

`Placement` says on which device and in which type.
"""

from __future__ import annotations

import json
import logging
import pickle
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from huggingface_hub.errors import StrictDataclassError
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn
from transformers import BitsAndBytesConfig
from transformers.utils import (
    SAFE_WEIGHTS_INDEX_NAME,
    SAFE_WEIGHTS_NAME,
    WEIGHTS_INDEX_NAME,
    WEIGHTS_NAME,
)

from bestofn.core.errors import ConfigError, ModelError
from bestofn.settings.choices import Quantization
from bestofn.support.error_text import first_line

logger = logging.getLogger(__name__)

READING_FAULTS = (
    AttributeError,
    EOFError,
    ImportError,
    LookupError,
    OSError,
    RuntimeError,
    SafetensorError,
    StrictDataclassError,
    TypeError,
    ValueError,
    pickle.UnpicklingError,
)
"""What transformers, torch and safetensors raise on a folder they cannot read."""

HALF = (torch.float16, torch.bfloat16)


HEADS = ("classifier", "lm_head", "regression_head", "score", "score_head", "v_head", "value_head")
"""What heads are called. They stay in the type that the rest of the model computes in."""


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


def tensor_names(folder: Path) -> frozenset[str]:
    """The names of a checkpoint's weights, by its index or its one file.

    Empty where there are none or they cannot be read: reading them whole then says why.
    """
    try:
        for index in (SAFE_WEIGHTS_INDEX_NAME, WEIGHTS_INDEX_NAME):
            if (folder / index).is_file():
                return frozenset(json.loads((folder / index).read_bytes())["weight_map"])
        path = _one_file(folder)
        if path.suffix == ".safetensors":
            with safe_open(path, framework="pt") as held:
                return frozenset(held.keys())
        return frozenset(torch.load(path, weights_only=True, mmap=True, map_location="meta"))
    except READING_FAULTS:
        return frozenset()


def read_tensors(folder: Path) -> Iterator[tuple[str, Tensor]]:
    """Name and weight, one after the other, of a checkpoint that names its weights otherwise.

    They are mapped from the file, not read, until they are used. Pickles are read with
    `weights_only`.

    Raises:
        ModelError: a file is absent or corrupt.
    """
    try:
        for index in (SAFE_WEIGHTS_INDEX_NAME, WEIGHTS_INDEX_NAME):
            if (folder / index).is_file():
                named = json.loads((folder / index).read_bytes())["weight_map"]
                for shard in sorted(set(named.values())):
                    yield from _held(folder / shard)
                return
        yield from _held(_one_file(folder))
    except READING_FAULTS as error:
        raise ModelError(f"the weights in {folder} cannot be read: {first_line(error)}") from error


def _one_file(folder: Path) -> Path:
    safe = folder / SAFE_WEIGHTS_NAME
    return safe if safe.is_file() else folder / WEIGHTS_NAME


def _held(path: Path) -> Iterator[tuple[str, Tensor]]:
    if path.suffix == ".safetensors":
        with safe_open(path, framework="pt") as held:
            for name in held.keys():  # noqa: SIM118 - it is no mapping
                yield name, held.get_tensor(name)
    else:
        yield from torch.load(path, weights_only=True, mmap=True, map_location="cpu").items()


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
    try:
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
        raise ModelError(f"the weights in {folder} cannot be read: {first_line(error)}") from error
    if missing := sorted(info["missing_keys"]):
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        raise ModelError(
            f"the checkpoint in {folder} lacks {missing[-1]}{more}: without its trained head and "
            "trunk it would score at random"
        )
    if unused := sorted(info["unexpected_keys"]):
        logger.warning("%s holds %d weights that are not used: %s", folder, len(unused), unused[0])
    try:
        if placement.quantization is None:  # else it is there already
            model = model.to(placement.device)
    except torch.OutOfMemoryError as error:
        raise ModelError(f"{folder} does not fit on {placement.device} in {dtype}") from error
    module: nn.Module = model.eval()
    return module.requires_grad_(False)


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
