"""Owns `bestofn export`: a run's records in the formats of trainers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from bestofn.core.errors import ConfigError
from bestofn.dataset.export.card import write_card
from bestofn.dataset.export.export import export
from bestofn.dataset.export.formats import ExportOptions
from bestofn.dataset.export.keep_rule import KeepRule
from bestofn.dataset.export.push import Repository
from bestofn.dataset.export.summary import Summary
from bestofn.dataset.store.manifest import Manifest
from bestofn.dataset.store.store import read_rollouts
from bestofn.settings.choices import FormatName


def export_run(
    folder: Path,
    formats: Sequence[FormatName],
    choice: ExportOptions,
    licence: str | None,
    console: Console,
    repository: Repository | None = None,
) -> None:
    """Write the formats and the card of a run, say what is in them, and push them to the hub.

    Raises:
        ConfigError: it is no run, or a shard cannot be read.
        DatasetError: the disk does not let it, or the hub does not take it.
    """
    manifest = Manifest.read(folder)
    if manifest is None:
        raise ConfigError(f"{folder} holds no run: there is no run.json")
    summary = Summary()
    exported = export(folder, summary.counting(read_rollouts(folder)), formats, choice)
    write_card(folder, manifest, summary, exported, licence=licence, kept=described(choice.rule))
    for each in exported:
        odd = f"; {each.skipped:,} with tool calls or images left out" if each.skipped else ""
        console.print(
            f"{folder / each.name}: {each.rows:,} rows of {each.prompts:,} prompts{odd}",
            highlight=False,
            soft_wrap=True,
        )
    if repository is not None:
        console.print(repository.push(folder, formats), highlight=False, soft_wrap=True)


def described(rule: KeepRule) -> str:
    """A rule, for a reader."""
    return rule.keep if rule.value is None else f"{rule.keep} {rule.value:g}"
