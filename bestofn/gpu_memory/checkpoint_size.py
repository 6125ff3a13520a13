"""How large a checkpoint's weights are, from the headers of its files: nothing is loaded."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

from huggingface_hub import get_local_safetensors_metadata, get_safetensors_metadata
from huggingface_hub.errors import NotASafetensorsRepoError, SafetensorsParsingError

from bestofn.core.errors import ModelError
from bestofn.settings.choices import Quantization
from bestofn.support.checkpoint import folder_of, hub_faults
from bestofn.support.error_text import first_line

FLOATS = frozenset({"F64", "F32", "F16", "BF16"})
"""What is loaded in the type that the model runs in; other types stay as they are stored."""

LEFT_WHOLE = ("embed", "wte", "head", "score", "classifier")
"""Parts of the names of matrices that bitsandbytes does not quantise: embeddings and heads."""

QUANTISED_BYTES = {"8bit": 1 + 4 / 4096, "4bit": 0.5 + 4 / 64}
"""Bytes for one number of a quantised matrix: LLM.int8 keeps a float32 for each row (of 4,096 or
so; arXiv 2208.07339), NF4 one for each 64 numbers (arXiv 2305.14314, without its double
quantisation)."""


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
    folder = folder_of(model)
    if folder is not None and not any(folder.glob("*.safetensors")):
        return _sizes(_pickled(folder))
    try:
        if folder is not None:
            metadata = get_local_safetensors_metadata(folder)
        else:
            with hub_faults(model):
                metadata = get_safetensors_metadata(model)
    except NotASafetensorsRepoError as error:
        raise ModelError(
            f"{model} has no safetensors, and of other files the sizes cannot be read without "
            "fetching them: download it and name the folder"
        ) from error
    except (SafetensorsParsingError, OSError, ValueError, KeyError) as error:
        raise ModelError(f"the headers of {model} cannot be read: {first_line(error)}") from error
    return _sizes(
        (name, tensor.dtype, tensor.shape, tensor.data_offsets[1] - tensor.data_offsets[0])
        for held in metadata.files_metadata.values()
        for name, tensor in held.tensors.items()
    )


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
    shards = sorted(folder.glob("*.bin"))
    if not shards:
        raise ModelError(f"{folder} holds no weights: neither *.safetensors nor *.bin")
    for shard in shards:
        try:
            held = torch.load(shard, weights_only=True, mmap=True, map_location="meta")
        except Exception as error:  # whatever a file that is no pickle makes of it
            raise ModelError(f"{shard} cannot be read: {first_line(error)}") from error
        for name, tensor in held.items():
            size = tensor.numel() * tensor.element_size()
            yield name, names.get(tensor.dtype, str(tensor.dtype)), tensor.shape, size
