"""Owns `bestofn sample`: from prompts to a dataset, by rejection sampling."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console

from bestofn.builders.pipeline import open_pipeline
from bestofn.cli.console import quiet_engines
from bestofn.cli.export import export_run
from bestofn.core.errors import ConfigError
from bestofn.dataset.export.formats import ExportOptions
from bestofn.dataset.export.push import Repository
from bestofn.dataset.prompts.reader import read_records
from bestofn.dataset.prompts.rows import COLUMNS, Defaults, Row, read_row
from bestofn.dataset.run.local import run
from bestofn.dataset.run.options import Cluster, RunOptions, rows_in_flight
from bestofn.dataset.run.progress import progress
from bestofn.dataset.run.ray import run_on_ray
from bestofn.dataset.store.identity import identity_of
from bestofn.dataset.store.store import Store
from bestofn.settings.choices import FormatName
from bestofn.settings.settings import Settings


@dataclass(frozen=True, slots=True)
class Input:
    """Where the prompts are.

    Args:
        source: see `bestofn.dataset.prompts.reader.read_records`.
        columns: ``FIELD=COLUMN`` each.
        split: of a dataset.
        name: of a dataset's configuration.
        limit: rows that are read at most; None: all.
    """

    source: str
    columns: Sequence[str] = ()
    split: str = "train"
    name: str | None = None
    limit: int | None = None

    def mapped(self) -> dict[str, str]:
        """Where each field stands.

        Raises:
            ConfigError: one of them is no mapping of a field that there is.
        """
        found = {}
        for each in self.columns:
            name, sign, column = each.partition("=")
            if not sign or name not in COLUMNS or not column:
                raise ConfigError(
                    f"--column {each} is not FIELD=COLUMN, with one of {', '.join(COLUMNS)}"
                )
            found[name] = column
        return found


@dataclass(frozen=True, slots=True)
class Output:
    """What becomes of the records.

    Args:
        folder: of the run.
        formats: that are written.
        choice: what they keep.
        licence: for the card.
        repository: on the hub, that formats and card are pushed to.
    """

    folder: Path
    formats: Sequence[FormatName]
    choice: ExportOptions = field(default_factory=ExportOptions)
    licence: str | None = None
    repository: Repository | None = None


async def sample(
    given: Input,
    output: Output,
    settings: Settings,
    *,
    options: RunOptions,
    cluster: Cluster | None = None,
    verbose: bool = False,
) -> None:
    """Do what of the run is not done yet, then write its formats and its card.

    Raises:
        ConfigError: the input cannot be read, or the folder holds another run.
        DatasetError: the disk does not let it, too many rows failed one after the other, or the hub
            does not take the formats.
        BestOfNError: as `open_pipeline`.
    """
    columns = given.mapped()
    identity = identity_of(settings, source=given.source, columns=columns, explore=options.explore)
    defaults = Defaults(settings.best_of, settings.temperature, settings.max_tokens, settings.seed)
    read = functools.partial(_rows, given, columns, defaults)
    if next(read(), None) is None:
        raise ConfigError(f"{given.source}: no rows")
    if output.repository is not None:
        output.repository.check()
    with contextlib.closing(Store.open(output.folder, identity)) as store:
        async with contextlib.AsyncExitStack() as stack:
            console = stack.enter_context(quiet_engines(verbose))
            _say_what_is_there(console, store, output.folder)
            if cluster is None:
                with console.status("loading the models"):
                    pipeline = await stack.enter_async_context(open_pipeline(settings))
                watch = stack.enter_context(progress(console, store.manifest.rows))
                counts = await run(read(), store, pipeline, options, watch=watch)
            else:
                opening = functools.partial(open_pipeline, settings)
                watch = stack.enter_context(progress(console, store.manifest.rows))
                counts = await run_on_ray(read, store, opening, cluster, options, watch=watch)
        console = Console(stderr=True)
        console.print(
            f"{counts.done:,} rows sampled, {counts.skipped:,} were finished before",
            highlight=False,
        )
        export_run(
            output.folder,
            output.formats,
            output.choice,
            output.licence,
            console,
            output.repository,
        )


def run_options(
    best_of: int, in_flight: int | None, failures_in_a_row: int | None, explore: int | None
) -> RunOptions:
    """How the run is worked on, from its flags.

    Raises:
        ConfigError: they do not go together, or with `best_of`.
    """
    if explore is not None and not 2 <= explore < best_of:
        raise ConfigError(
            f"--explore {explore}: it has to be at least 2, and less than --best-of ({best_of})"
        )
    return RunOptions(
        in_flight or rows_in_flight(best_of, explore),
        failures_in_a_row or RunOptions().failures_in_a_row,
        explore,
    )


def _say_what_is_there(console: Console, store: Store, folder: Path) -> None:
    finished = store.finished
    if finished:
        console.print(
            f"{folder}: {finished:,} rows are finished; going on from there", highlight=False
        )


def _rows(given: Input, columns: dict[str, str], defaults: Defaults) -> Iterator[Row]:
    records = read_records(given.source, split=given.split, name=given.name)
    for number, (source, record) in enumerate(records):
        if given.limit is not None and number >= given.limit:
            return
        yield read_row(number, source, record, columns, defaults)
