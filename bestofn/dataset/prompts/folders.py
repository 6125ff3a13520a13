"""Folders of data files: which of them are a split, as `datasets` tells it for a hub dataset.

Splits and configurations come from the names of files and folders, or from the README's head. The
files themselves are read here, row by row: of a file with one broken line `datasets` reads nothing.
Where some names are those of splits, a file whose name is not is in none of them, as in `datasets`;
here that is told.
"""

from __future__ import annotations

import glob
import os
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bestofn.core.errors import ConfigError
from bestofn.dataset.prompts.files import READ, suffix_of
from bestofn.support.error_text import first_line

TRAIN = "train"
"""The split that is read where none is named, and there are several."""

MOST_NAMED = 5
"""Files in no split that are named."""


@dataclass(frozen=True, slots=True)
class DataFiles:
    """The files of a split.

    Args:
        split: its name.
        paths: in the order of their names.
        others: how many files the folder has in its other splits.
        unnamed: those that are in no split, for their names say none, in the order of their names.
        twins: JSON lines that stand beside a Parquet file of the same name, as `bestofn export`
            writes them: the same rows once more.
    """

    split: str
    paths: Sequence[Path]
    others: int
    unnamed: Sequence[Path] = ()
    twins: Sequence[Path] = ()

    def described(self, folder: Path) -> str:
        """What of the folder is read, for a reader."""
        count = len(self.paths)
        told = f"{count} of {count + self.others + len(self.unnamed) + len(self.twins)} files"
        if self.unnamed:
            listed = _listed(self.unnamed, folder)
            told += f"; without the name of a split, so in none of them: {listed}"
        if self.twins:
            listed = _listed(self.twins, folder)
            told += f"; beside a Parquet file of the same name, so not read again: {listed}"
        return f"split {self.split} ({told})"


def _listed(paths: Sequence[Path], folder: Path) -> str:
    named = [os.path.relpath(path, folder) for path in paths[:MOST_NAMED]]
    more = len(paths) - len(named)
    return ", ".join(named) + (f" and {more:,} more" if more else "")


def data_files(folder: Path, split: str | None, name: str | None) -> DataFiles:
    """The files of a split of a folder; hidden ones, and those that describe others, are none.

    Args:
        folder: where they are.
        split: None: `TRAIN`, or the only one.
        name: of a configuration, where the README's head has several.

    Raises:
        ConfigError: there are none, or none of that split or configuration.
    """
    from datasets.data_files import (
        DataFilesDict,
        EmptyDatasetError,
        get_data_patterns,
        sanitize_patterns,
    )

    described = _configuration(folder, name)
    base = glob.escape(str(folder / str(described.get("data_dir") or "")))
    try:
        patterns = (
            sanitize_patterns(described["data_files"])
            if "data_files" in described
            else get_data_patterns(base)
        )
        found = DataFilesDict.from_patterns(patterns, base_path=base)
    except EmptyDatasetError:
        found = {}
    except (OSError, ValueError, TypeError) as error:  # TypeError: the README's head is odd
        raise ConfigError(f"{folder} cannot be read: {first_line(error)}") from error
    splits = {
        str(each): sorted(path for path in map(Path, paths) if suffix_of(path) in READ)
        for each, paths in found.items()
    }
    splits = {each: paths for each, paths in splits.items() if paths}
    if not splits:
        raise ConfigError(f"{folder} holds neither JSON lines nor JSON, CSV, TSV or Parquet")
    chosen = choose_split(splits, split, str(folder))
    every = {path for paths in splits.values() for path in paths}
    # What the README's head leaves out it leaves out on purpose, or for another configuration.
    if "data_files" in described:
        return DataFiles(chosen, splits[chosen], len(every) - len(splits[chosen]))
    twins = [path for path in splits[chosen] if _is_twin(path)]
    paths = sorted({*splits[chosen]}.difference(twins))
    others = len(every) - len(splits[chosen])
    return DataFiles(chosen, paths, others, sorted(_all_files(base) - every), twins)


def _is_twin(path: Path) -> bool:
    return path.suffix == ".jsonl" and path.with_suffix(".parquet").is_file()


def _all_files(base: str) -> set[Path]:
    """The files below a folder that are read here, whatever their split."""
    from datasets.data_files import resolve_pattern

    return {path for path in map(Path, resolve_pattern("**", base)) if suffix_of(path) in READ}


def choose_split(splits: Collection[str], split: str | None, source: str) -> str:
    """The split that is read; see `data_files`.

    Raises:
        ConfigError: there is no such split, or several of which none is `TRAIN`.
    """
    there = ", ".join(sorted(splits))
    if split is None and len(splits) == 1:
        return next(iter(splits))
    wanted = split or TRAIN
    if wanted not in splits:
        raise ConfigError(f"{source} has no split {wanted}; there are {there} (--split)")
    return wanted


def _configuration(folder: Path, name: str | None) -> dict[str, Any]:
    """What the README's head says of the configuration; nothing where it says nothing."""
    import yaml
    from datasets.utils.metadata import MetadataConfigs
    from huggingface_hub import DatasetCard

    readme = folder / "README.md"
    configurations = MetadataConfigs()
    try:
        if readme.is_file():
            head: Any = DatasetCard.load(readme, ignore_metadata_errors=True).data
            configurations = MetadataConfigs.from_dataset_card_data(head)
    except (OSError, ValueError, TypeError, yaml.YAMLError) as error:
        raise ConfigError(f"{readme} cannot be read: {first_line(error)}") from error
    if name is None and not configurations:
        return {}
    there = ", ".join(configurations) or "none"
    if name is None:
        name = configurations.get_default_config_name()
        if name is None:
            raise ConfigError(f"{folder} has several configurations; name one of {there} (--name)")
    if name not in configurations:
        raise ConfigError(f"{folder} has no configuration {name}; there are: {there}")
    chosen: dict[str, Any] = configurations[name]
    return chosen
