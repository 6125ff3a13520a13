"""Owns `bestofn verify`: whether a run's folder holds what its manifest says."""

from __future__ import annotations

from pathlib import Path

import typer

from bestofn.core.errors import DatasetError
from bestofn.dataset.store.verify import faults


def run(folder: Path) -> None:
    """Print each fault, or that there is none.

    Raises:
        ConfigError: it is no run.
        DatasetError: there are faults.
    """
    found = 0
    for fault in faults(folder):
        typer.echo(fault)
        found += 1
    if found:
        raise DatasetError(f"{folder}: {found} fault{'s' if found > 1 else ''}")
    typer.echo(f"{folder}: all is as it was written")
