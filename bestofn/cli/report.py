"""`bestofn report`: a run on one HTML page."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bestofn.cli.dataset_options import RunFolder, state_of
from bestofn.cli.running import exit_codes, run_to_end
from bestofn.core.errors import ConfigError

if TYPE_CHECKING:
    from bestofn.dataset.report.document import Section
    from bestofn.dataset.report.findings import Findings, Reservoir
    from bestofn.dataset.store.manifest import Manifest
    from bestofn.dataset.store.records import Record


REPLAYED = 50
"""Rows that are replayed where nobody says how many: seconds, however large the run is."""


def report(
    folder: RunFolder,
    replayed: Annotated[
        int,
        typer.Option(
            min=0,
            max=10_000,
            help="Rows, drawn evenly, that are replayed under other selectors and stopping rules, "
            "as `compare` does with all; 0: none.",
        ),
    ] = REPLAYED,
) -> None:
    """Write a run on one HTML page, with plots, comparisons and examples to read.

    The page and the memory stay the same however many rows the run has.
    """
    with exit_codes():
        from bestofn.dataset.report.findings import Reservoir, findings
        from bestofn.dataset.store.rollouts import read_rollouts

        state = state_of(folder)
        some = Reservoir(replayed)
        found = findings(_drawing(read_rollouts(folder), some))
        run_to_end(_write(folder, state.manifest, found, some))


def _drawing(records: Iterable[Record], some: Reservoir) -> Iterator[Record]:
    """The same records, of which some are kept."""
    for record in records:
        some.add(record)
        yield record


async def _write(folder: Path, manifest: Manifest, found: Findings, some: Reservoir) -> None:
    """The page, with the comparison of these records where there are any."""
    from bestofn.dataset.report.page import write_report
    from bestofn.support.disk_faults import disk_faults

    compared = await _compared(folder, some) if some.values else []
    with disk_faults(folder):
        typer.echo(write_report(folder, manifest, found, compared))


async def _compared(folder: Path, some: Reservoir) -> list[Section]:
    """How these records compare; what keeps them from it stands in their place."""
    from bestofn.cli.voting import voting
    from bestofn.dataset.report.document import Section
    from bestofn.tuning.digest import digest
    from bestofn.tuning.page import sections
    from bestofn.tuning.recorded import row_of

    rows = [row_of(record) for record in sorted(some.values, key=lambda each: int(each["row"]))]
    try:
        _, answer_key = voting(folder, None, None)
        compared = await digest([row for row in rows if row is not None], answer_key)
    except ConfigError as error:
        return [Section("Selectors and stopping rules", f"They could not be compared: {error}")]
    return sections(compared)
