"""`bestofn verify`: whether a run's folder holds what its manifest says."""

from __future__ import annotations

import itertools

import typer

from bestofn.cli.dataset_options import RunFolder
from bestofn.cli.running import exit_codes
from bestofn.core.errors import DatasetError


def verify(folder: RunFolder) -> None:
    """Say whether a run's folder holds what its manifest says, and can be read."""
    with exit_codes():
        from bestofn.dataset.export.card import gone_of
        from bestofn.dataset.export.exported import names_in, unreadable_in
        from bestofn.dataset.store.rollouts import run_state
        from bestofn.dataset.store.verify import faults

        found = 0
        for fault in itertools.chain(faults(folder), unreadable_in(folder), gone_of(folder)):
            typer.echo(fault)
            found += 1
        if found:
            raise DatasetError(f"{folder}: {found} fault{'s' if found > 1 else ''}")
        if unfinished := run_state(folder).unfinished:
            raise DatasetError(f"{folder}: what is there is as it was written, but {unfinished}")
        # Of what is exported no digests are kept: it can be made anew.
        exported = ", ".join(names_in(folder))
        end = f"; what is exported can be read: {exported}" if exported else ""
        typer.echo(f"{folder}: all is as it was written{end}")
