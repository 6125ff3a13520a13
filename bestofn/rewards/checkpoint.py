"""Owns finding a checkpoint and reading what it says of itself, before any weight is loaded."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
from huggingface_hub import snapshot_download
from huggingface_hub.errors import (
    GatedRepoError,
    HfHubHTTPError,
    HFValidationError,
    LocalEntryNotFoundError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
)

from bestofn.errors import ModelError
from bestofn.rewards.wording import first_line

SMALL_FILES = ("*.json", "*.jinja", "*.model", "*.txt", "*.py")
"""What a checkpoint holds beside its weights: config, templates, vocabularies, its own code."""


def locate(model: str) -> Path:
    """The folder that holds `model`: a local folder, or the hub's snapshot, fetched if need be.

    Safetensors are taken where the repository has them, pickles only where it has none.

    Raises:
        ModelError: neither a folder nor on the hub (or the hub cannot be reached).
    """
    folder = Path(model).expanduser()
    if folder.is_dir():
        return folder
    if folder.exists():
        raise ModelError(f"{model} is a file; a reward model is a folder with a config.json")
    if folder.is_absolute() or model.startswith((".", "~")) or model.count("/") > 1:
        raise ModelError(f"{model} does not exist; name a folder or a model on the hub")
    try:
        snapshot = snapshot_download(model, allow_patterns=[*SMALL_FILES, "*.safetensors"])
        if not any(Path(snapshot).glob("*.safetensors")):
            snapshot = snapshot_download(model, allow_patterns=[*SMALL_FILES, "*.bin"])
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
    except (HfHubHTTPError, httpx.HTTPError, OSError) as error:
        raise ModelError(f"{model} cannot be fetched from the hub: {first_line(error)}") from error
    return Path(snapshot)


def read_config(folder: Path) -> dict[str, Any]:
    """What config.json says.

    Raises:
        ModelError: it is absent or no JSON object.
    """
    return read_json(folder / "config.json")


def read_json(path: Path) -> dict[str, Any]:
    """The JSON object in a file.

    Raises:
        ModelError: it is absent, unreadable or no JSON object.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ModelError(f"{path.parent} holds no {path.name}: it is no checkpoint") from error
    except (OSError, ValueError) as error:
        raise ModelError(f"{path} cannot be read: {first_line(error)}") from error
    if not isinstance(content, dict):
        raise ModelError(f"{path} cannot be read: it is no JSON object")
    return content


def architecture_of(config: dict[str, Any]) -> str:
    """The first of the config's `architectures`; '' where it names none."""
    return next(iter(config.get("architectures") or ()), "")
