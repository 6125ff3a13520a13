"""A checkpoint's folder, local or from the hub, and its config.json; no weight is loaded."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from huggingface_hub import hf_hub_download, snapshot_download
from huggingface_hub.errors import (
    GatedRepoError,
    HfHubHTTPError,
    HFValidationError,
    LocalEntryNotFoundError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
)

from bestofn.core.errors import ModelError
from bestofn.support.config_json import config_fault
from bestofn.support.error_text import first_line

SMALL_FILES = ("*.json", "*.jinja", "*.model", "*.txt", "*.py")
"""What a checkpoint holds beside its weights: config, templates, vocabularies, its own code."""

MODEL_SUFFIXES = frozenset({".bin", ".jinja", ".json", ".model", ".safetensors", ".txt"})
WHOLE_WEIGHTS = ("model*.safetensors", "pytorch_model*.bin")
"""How transformers calls the weights of a whole model."""

LFS_POINTER = b"version https://git-lfs.github.com/spec/"
LFS_POINTER_BYTES = 1024
"""How a pointer begins, and more than one has (Git LFS's specification)."""

HTTP_ERROR: type[Exception] = HfHubHTTPError.__bases__[0]
"""Of the HTTP library that the hub's client uses, which depends on its version (httpx, httpx2)."""


def locate(model: str) -> Path:
    """The folder that holds `model`: a local folder, or the hub's snapshot, fetched if need be.

    Safetensors are taken where the repository has them, pickles only where it has none.

    Raises:
        ModelError: neither a folder nor on the hub (or the hub cannot be reached).
    """
    if (folder := folder_of(model)) is not None:
        return folder
    with hub_faults(model):
        snapshot = snapshot_download(model, allow_patterns=[*SMALL_FILES, "*.safetensors"])
        if not any(Path(snapshot).glob("*.safetensors")):
            snapshot = snapshot_download(model, allow_patterns=[*SMALL_FILES, "*.bin"])
    return Path(snapshot)


def locate_small(model: str) -> Path:
    """As `locate`, without weights."""
    if (folder := folder_of(model)) is not None:
        return folder
    with hub_faults(model):
        return Path(snapshot_download(model, allow_patterns=list(SMALL_FILES)))


def folder_of(model: str) -> Path | None:
    """The local folder called so; None: it is a name on the hub.

    Raises:
        ModelError: it is a file, a path to nothing, or a folder with something that stands for a
            model: pointers of Git LFS, or an adapter.
    """
    folder = Path(model).expanduser()
    if folder.is_dir():
        _refuse_stand_in(folder)
        return folder
    if folder.exists():
        raise ModelError(f"{model} is a file; a model is a folder with a config.json")
    if folder.is_absolute() or model.startswith((".", "~")) or model.count("/") > 1:
        raise ModelError(f"{model} does not exist; name a folder or a model on the hub")
    return None


@contextlib.contextmanager
def hub_faults(model: str) -> Iterator[None]:
    """Turn what goes wrong at the hub into a ModelError that says what to do.

    Args:
        model: the name that is asked for.
    """
    try:
        yield
    except HFValidationError as error:
        raise ModelError(f"{model} is neither a folder nor a model's name on the hub") from error
    except GatedRepoError as error:
        raise ModelError(f"{model} is gated: accept its terms on the hub and log in") from error
    except RepositoryNotFoundError as error:
        raise ModelError(f"{model} is neither a folder nor a model on the hub") from error
    except (LocalEntryNotFoundError, OfflineModeIsEnabled) as error:
        raise ModelError(
            f"{model} is no folder, it is not in the hub's cache, and the hub cannot be reached "
            "(or HF_HUB_OFFLINE is set): name a folder or download it first"
        ) from error
    except (HTTP_ERROR, OSError) as error:
        raise ModelError(f"{model} cannot be fetched from the hub: {first_line(error)}") from error


def config_of(model: str) -> dict[str, Any]:
    """What the config.json of a folder or of a model on the hub says; only that is fetched.

    Raises:
        ModelError: as `locate` and `read_config`.
    """
    if (folder := folder_of(model)) is not None:
        return read_config(folder)
    with hub_faults(model):
        return _checked_config(Path(hf_hub_download(model, "config.json")))


def read_config(folder: Path) -> dict[str, Any]:
    """What config.json says.

    Raises:
        ModelError: it is absent or no JSON object, or a size or a name in it is none.
    """
    return _checked_config(folder / "config.json")


def _checked_config(path: Path) -> dict[str, Any]:
    config = read_json(path)
    if fault := config_fault(config):
        raise ModelError(f"{path} cannot be used: {fault}")
    return config


def _refuse_stand_in(folder: Path) -> None:
    """Refuse what is not the model itself, and say how to get that.

    Raises:
        ModelError: a file is a Git-LFS pointer, or the folder holds an adapter alone.
    """
    for path in sorted(folder.iterdir()):
        if path.suffix in MODEL_SUFFIXES and is_lfs_pointer(path):
            raise ModelError(
                f"{path} is a Git-LFS pointer and not the file itself: run git lfs pull in {folder}"
            )
    if not (folder / "adapter_config.json").is_file():
        return
    if any(each for pattern in WHOLE_WEIGHTS for each in folder.glob(pattern)):
        return
    base = read_json(folder / "adapter_config.json").get("base_model_name_or_path")
    raise ModelError(
        f"{folder} is an adapter of {base or 'another model'} and no whole model: merge it, with "
        f"merge_and_unload() of peft, save what that returns beside the tokenizer (save_pretrained)"
        ", and name that folder"
    )


def is_lfs_pointer(path: Path) -> bool:
    """Whether a file is what Git leaves where `git lfs pull` did not run."""
    try:
        if not path.is_file() or path.stat().st_size > LFS_POINTER_BYTES:
            return False
        with path.open("rb") as file:
            return file.read(len(LFS_POINTER)) == LFS_POINTER
    except OSError:
        return False


def read_json(path: Path) -> dict[str, Any]:
    """The JSON object in a file.

    Raises:
        ModelError: it is absent, unreadable or no JSON object.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ModelError(f"{path.parent} holds no {path.name}: it is no checkpoint") from error
    except (OSError, RecursionError, ValueError) as error:
        raise ModelError(f"{path} cannot be read: {first_line(error)}") from error
    if not isinstance(content, dict):
        raise ModelError(f"{path} cannot be read: it is no JSON object")
    return content


def architecture_of(config: dict[str, Any]) -> str:
    """The first of the config's `architectures`; '' where it names none."""
    return next(iter(config.get("architectures") or ()), "")
