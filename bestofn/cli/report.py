"""Owns `bestofn report`: a run on one HTML page."""

from __future__ import annotations

from pathlib import Path

import typer

from bestofn.core.errors import ConfigError
from bestofn.dataset.report.findings import findings
from bestofn.dataset.report.page import write_report
from bestofn.dataset.store.atomic_files import disk_faults
from bestofn.dataset.store.manifest import Manifest
from bestofn.dataset.store.store import read_rollouts


def run(folder: Path) -> None:
    """Write the report of a run into its folder, and print where it is.

    Raises:
        ConfigError: it is no run, a shard cannot be read, or plotly is not installed.
        DatasetError: the disk does not let it.
    """
    manifest = Manifest.read(folder)
    if manifest is None:
        raise ConfigError(f"{folder} holds no run: there is no run.json")
    found = findings(read_rollouts(folder))
    with disk_faults(folder):
        typer.echo(write_report(folder, manifest, found))
