"""Tensors of a checkpoint as its files hold them: names, shapes and values, without a model.

Names lose what training put before them: `module.` of a parallel wrapper, `_orig_mod.` of
`torch.compile`, `base_model.model.` of an adapter that was merged.
"""

from __future__ import annotations

import json
import pickle
import re
from collections.abc import Iterator
from pathlib import Path

import torch
from huggingface_hub.errors import StrictDataclassError
from safetensors import SafetensorError, safe_open
from torch import Tensor
from transformers.utils import (
    SAFE_WEIGHTS_INDEX_NAME,
    SAFE_WEIGHTS_NAME,
    WEIGHTS_INDEX_NAME,
    WEIGHTS_NAME,
)

from bestofn.core.errors import ModelError
from bestofn.support.error_text import first_line, weights_fault

READING_FAULTS = (
    ArithmeticError,
    AssertionError,
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

WRAPPERS = (
    r"^(?:(?:module|_orig_mod|_fsdp_wrapped_module|base_model\.model)\.)+"
    r"|(?<=\.)(?:_orig_mod|_fsdp_wrapped_module|_checkpoint_wrapped_module)\."
)
"""What training puts before the names of weights, as a pattern."""

_WRAPPERS = re.compile(WRAPPERS)


def tensor_names(folder: Path) -> frozenset[str]:
    """The names of a checkpoint's weights, by its index or its one file.

    Empty where there are none or they cannot be read: reading them whole then says why.
    """
    return frozenset(map(_bare, _written_names(folder)))


def is_wrapped(folder: Path) -> bool:
    """Whether training has put something before the names that are written there."""
    return any(_bare(name) != name for name in _written_names(folder))


def tensor_shape(folder: Path, name: str) -> tuple[int, ...] | None:
    """The shape of one weight; None where it is not there, or cannot be read."""
    try:
        for shard in _shards(folder):
            if shard.suffix != ".safetensors":
                held = torch.load(shard, weights_only=True, mmap=True, map_location="meta")
                found = {_bare(key): tuple(tensor.shape) for key, tensor in held.items()}
            else:
                with safe_open(shard, framework="pt") as opened:
                    found = {
                        _bare(key): tuple(opened.get_slice(key).get_shape())
                        for key in opened.keys()  # noqa: SIM118 - it is no mapping
                        if _bare(key) == name
                    }
            if name in found:
                return found[name]
    except READING_FAULTS:
        return None
    return None


def read_tensors(folder: Path) -> Iterator[tuple[str, Tensor]]:
    """Name and weight, one after the other, of a checkpoint that names its weights otherwise.

    They are mapped from the file, not read, until they are used. Pickles are read with
    `weights_only`.

    Raises:
        ModelError: a file is absent or corrupt.
    """
    try:
        for shard in _shards(folder):
            for name, tensor in _held(shard):
                yield _bare(name), tensor
    except READING_FAULTS as error:
        raise ModelError(
            f"the weights in {folder} cannot be read: {reading_fault(error)}"
        ) from error


def reading_fault(error: BaseException) -> str:
    """What reading a checkpoint ended with, as a sentence; never torch's advice to run what a
    pickle holds."""
    if "ignore_mismatched_sizes" in str(error):
        return "their shapes are not those that its config.json says"
    if isinstance(error, StrictDataclassError):  # what is wrong stands in the second line
        return first_line(ValueError(" ".join(str(error).split())))
    return weights_fault(error) or first_line(error)


def _bare(name: str) -> str:
    return _WRAPPERS.sub("", name)


def _written_names(folder: Path) -> frozenset[str]:
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


def _shards(folder: Path) -> list[Path]:
    for index in (SAFE_WEIGHTS_INDEX_NAME, WEIGHTS_INDEX_NAME):
        if (folder / index).is_file():
            named = json.loads((folder / index).read_bytes())["weight_map"]
            return [folder / Path(shard).name for shard in sorted(set(named.values()))]
    return [_one_file(folder)]


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
