"""How large a checkpoint's weights are, from the headers of its files: nothing is loaded."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

from huggingface_hub import (
    get_local_safetensors_metadata,
    get_safetensors_metadata,
    try_to_load_from_cache,
)
from huggingface_hub.errors import NotASafetensorsRepoError, SafetensorsParsingError

from bestofn.core.errors import ModelError
from bestofn.settings.choices import Quantization
from bestofn.support.checkpoint import folder_of, hub_faults
from bestofn.support.error_text import first_line, weights_fault

FLOATS = frozenset({"F64", "F32", "F16", "BF16"})
"""What is loaded in the type that the model runs in; other types stay as they are stored."""

ITEM_BYTES = {
    **{"F64": 8, "I64": 8, "U64": 8, "F32": 4, "I32": 4, "U32": 4, "F16": 2, "BF16": 2},
    **{"I16": 2, "U16": 2, "I8": 1, "U8": 1, "BOOL": 1, "F8_E4M3": 1, "F8_E5M2": 1},
}
"""Bytes of one number of safetensors' types."""

LEFT_WHOLE = ("embed", "wte", "head", "score", "classifier")
"""Parts of the names of matrices that bitsandbytes does not quantise: embeddings and heads."""

QUANTISED_BYTES = {"8bit": 1 + 4 / 4096, "4bit": 0.5 + 4 / 64}
"""Bytes for one number of a quantised matrix: LLM.int8 keeps a float32 for each row (of 4,096 or
so; arXiv 2208.07339), NF4 one for each 64 numbers (arXiv 2305.14314, without its double
quantisation)."""

OF_TRAINERS = re.compile(r"training_args\.bin|(?:optimizer|sampler|scheduler)(?:_\d+)?\.bin")
"""Pickles that trainers leave beside the weights (transformers' `TRAINING_ARGS_NAME`, accelerate's
`OPTIMIZER_NAME` and its like), of objects and not of tensors alone."""


@dataclass(frozen=True, slots=True)
class WeightSizes:
    """What a checkpoint holds.

    Args:
        matrices: numbers in the matrices that can be quantised.
        others: numbers in everything else that is a float: embeddings, norms, heads.
        fixed_bytes: bytes of what is stored in other types, quantised checkpoints mostly.
    """

    matrices: int
    others: int
    fixed_bytes: int

    def on_device(self, item: int = 2, quantization: Quantization | None = None) -> int:
        """Bytes in memory.

        Args:
            item: bytes of one number that is not quantised.
            quantization: of the matrices.
        """
        each = QUANTISED_BYTES[quantization] if quantization else item
        return round(self.matrices * each) + self.others * item + self.fixed_bytes


def weight_sizes(model: str) -> WeightSizes:
    """The sizes of a folder's weights, or a hub repository's, of which only headers are fetched.

    Raises:
        ModelError: it is not there or cannot be read, or is on the hub and in pickles.
    """
    folder = folder_of(model) or _cached(model)
    if folder is not None and not any(folder.glob("*.safetensors")):
        return _sizes(_pickled(folder))
    try:
        if folder is not None:
            metadata = get_local_safetensors_metadata(folder)
        else:
            with hub_faults(model):
                metadata = get_safetensors_metadata(model)
        return _sizes(_checked(metadata.files_metadata, model, folder))
    except NotASafetensorsRepoError as error:
        raise ModelError(
            f"{model} has no safetensors, and of other files the sizes cannot be read without "
            "fetching them: download it and name the folder"
        ) from error
    except (
        *(SafetensorsParsingError, OSError, ValueError, KeyError, TypeError, AttributeError),
        *(IndexError, RecursionError, MemoryError, OverflowError),
    ) as error:
        raise ModelError(f"the headers of {model} cannot be read: {first_line(error)}") from error


def _cached(model: str) -> Path | None:
    """The hub's snapshot of a model whose weights were fetched before; None: they were not."""
    config = try_to_load_from_cache(model, "config.json")
    if not isinstance(config, str) or not any(Path(config).parent.glob("*.safetensors")):
        return None
    return Path(config).parent


def _checked(
    files: Mapping[str, Any], model: str, folder: Path | None
) -> list[tuple[str, str, Any, int]]:
    """Name, type, shape and bytes of each tensor, once the headers have shown that they are right.

    Args:
        files: the header of each file, as huggingface_hub reads it.
        model: what the user calls it.
        folder: where the files are; None: on the hub.

    Raises:
        ModelError: they are not.
    """
    found: list[tuple[str, str, Any, int]] = []
    for file, held in files.items():
        ends = [_checked_end(model, name, tensor) for name, tensor in held.tensors.items()]
        if folder is not None:
            _check_length(folder / file, max(ends, default=0))
        for name, tensor in held.tensors.items():
            begin, end = tensor.data_offsets
            found.append((name, tensor.dtype, tensor.shape, end - begin))
    return found


def _checked_end(model: str, name: str, tensor: Any) -> int:
    """Where a tensor's bytes end in its file, behind the header.

    Raises:
        ModelError: its type and shape take another number of bytes than the header gives it.
    """
    begin, end = (int(at) for at in tensor.data_offsets)
    item = ITEM_BYTES.get(tensor.dtype)
    wrong = begin < 0 or end < begin or any(length < 0 for length in tensor.shape)
    if wrong or (item is not None and prod(tensor.shape) * item != end - begin):
        shape = "x".join(map(str, tensor.shape))
        raise ModelError(
            f"the headers of {model} cannot be right: {name} is {shape} of {tensor.dtype}, and has "
            f"{end - begin:,} bytes"
        )
    return end


def _check_length(path: Path, end: int) -> None:
    """Refuse a file that is not as long as its header says.

    Raises:
        ModelError: bytes are missing, or too many.
    """
    with path.open("rb") as file:
        header = int.from_bytes(file.read(8), "little")
    length, said = path.stat().st_size, 8 + header + end
    if length != said:
        raise ModelError(f"{path} has {length:,} bytes, and its header says {said:,}")


def _sizes(tensors: Iterable[tuple[str, str, Any, int]]) -> WeightSizes:
    matrices = others = fixed = 0
    for name, dtype, shape, size in tensors:
        if dtype not in FLOATS:
            fixed += size
        elif len(shape) == 2 and not any(part in name for part in LEFT_WHOLE):
            matrices += prod(shape)
        else:
            others += prod(shape)
    return WeightSizes(matrices, others, fixed)


def _pickled(folder: Path) -> Iterable[tuple[str, str, Any, int]]:
    import torch

    names = {torch.float64: "F64", torch.float32: "F32", torch.float16: "F16"}
    names[torch.bfloat16] = "BF16"
    shards = sorted(path for path in folder.glob("*.bin") if not OF_TRAINERS.fullmatch(path.name))
    if not shards:
        raise ModelError(f"{folder} holds no weights: neither *.safetensors nor *.bin")
    for shard in shards:
        try:
            held = torch.load(shard, weights_only=True, mmap=True, map_location="meta")
        except Exception as error:  # whatever a file that is no pickle makes of it
            why = weights_fault(error) or first_line(error)
            raise ModelError(f"{shard} cannot be read: {why}") from error
        for name, tensor in held.items():
            size = tensor.numel() * tensor.element_size()
            yield name, names.get(tensor.dtype, str(tensor.dtype)), tensor.shape, size
