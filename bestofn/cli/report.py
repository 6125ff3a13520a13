"""`bestofn report`: a run on one HTML page."""

from __future__ import annotations

import typer

from bestofn.cli.dataset_options import RunFolder, state_of
from bestofn.cli.running import exit_codes


def report(folder: RunFolder) -> None:
    """Write a run on one HTML page, with plots and examples to read."""
    with exit_codes():
        from bestofn.dataset.report.findings import findings
        from bestofn.dataset.report.page import write_report
        from bestofn.dataset.store.atomic_files import disk_faults
        from bestofn.dataset.store.rollouts import read_rollouts

        state = state_of(folder)
        found = findings(read_rollouts(folder))
        with disk_faults(folder):
            typer.echo(write_report(folder, state.manifest, found))
