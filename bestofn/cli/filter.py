"""`bestofn filter`: the filters alone over data that exists."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bestofn.cli.dataset_options import mapped_columns
from bestofn.cli.options import ConfigOption, JsonOption, at_home
from bestofn.cli.rows_read import check_read, records_of
from bestofn.cli.running import exit_codes, run_to_end
from bestofn.core.errors import ConfigError

if TYPE_CHECKING:
    from bestofn.dataset.prompts.source import PromptSource
    from bestofn.settings.settings import Settings


def filter_(
    source: Annotated[
        str,
        typer.Argument(
            metavar="INPUT",
            help="JSONL, CSV, TSV, Parquet, a folder of them, or a dataset on the hub, streamed; "
            "- reads JSON lines, or an array, from standard input.",
            show_default=False,
        ),
    ],
    kept: Annotated[
        Path | None,
        typer.Option(
            help="File of JSON lines for the records of what is kept.",
            parser=at_home,
            metavar="FILE",
        ),
    ] = None,
    rejected: Annotated[
        Path | None,
        typer.Option(
            help="The same for the rejected, with the reasons.", parser=at_home, metavar="FILE"
        ),
    ] = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="Reject what is only suspected too.")
    ] = False,
    column: Annotated[
        list[str] | None,
        typer.Option(help="FIELD=COLUMN, for example response=output; several times."),
    ] = None,
    split: Annotated[str | None, typer.Option(help="Split of a dataset. \\[train]")] = None,
    name: Annotated[str | None, typer.Option(help="Configuration of a dataset.")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Rows that are read at most.")] = None,
    examples: Annotated[int, typer.Option(min=0, help="Shown of each reason.")] = 3,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Clean data that exists: the filters alone, counted by reason, no model."""
    with exit_codes():
        from bestofn.dataset.cleaning.places import FIELDS
        from bestofn.dataset.prompts.source import PromptSource
        from bestofn.settings.settings import Settings

        given = PromptSource(source, mapped_columns(column or (), FIELDS), split, name, limit)
        _check_paths(source, kept, rejected)
        settings = Settings.load(config)
        run_to_end(
            _clean(
                given, settings, (kept, rejected), strict=strict, examples=examples, as_json=as_json
            )
        )


async def _clean(
    given: PromptSource,
    settings: Settings,
    files: tuple[Path | None, Path | None],
    *,
    strict: bool,
    examples: int,
    as_json: bool,
) -> None:
    """Judge every record, write those that are asked for, print the counts.

    Raises:
        ConfigError: the input cannot be read, or a column that is mapped is a slip, or it has
            broken rows or none (after the last row).
        UnreadableError: none of its rows can be read.
        DatasetError: the disk does not let it.
    """
    import functools
    import itertools

    from rich.console import Console

    from bestofn.builders.pipeline import build_filters
    from bestofn.cli.console import print_tally
    from bestofn.dataset.cleaning.cleaning import Cleaning
    from bestofn.dataset.cleaning.tally import Tally
    from bestofn.dataset.cleaning.writing import json_lines, own_stream
    from bestofn.dataset.prompts.columns import with_checked_columns

    console = Console(stderr=True)

    def tell(source: str, sentence: str) -> None:
        console.print(
            f"bestofn: {source}: {sentence}", markup=False, soft_wrap=True, highlight=False
        )

    tally = Tally(examples)
    beside = any(each is not None and own_stream(each) == 1 for each in files)

    def show() -> None:
        if tally.rows:
            print_tally(tally, as_json=as_json, beside=beside)

    records = records_of(given.source, split=given.split, name=given.name)
    if records.told:
        tell(given.source, f"reads {records.told}")
    with json_lines(files[0]) as keep, json_lines(files[1]) as reject:
        cleaning = Cleaning(
            build_filters(settings.filters),
            given.columns,
            keep,
            reject,
            tell,
            strict,
        )
        checked = with_checked_columns(
            given.source,
            itertools.islice(records.records, given.limit),
            given.columns,
            functools.partial(tell, given.source),
        )
        await cleaning.run(checked, tally)
        if tally.broken == tally.rows:  # what a run before has written stays
            show()
            check_read(given.source, tally.rows, tally.broken)
    show()  # the files are there by now, whatever becomes of the console
    check_read(given.source, tally.rows, tally.broken)


def _check_paths(source: str, kept: Path | None, rejected: Path | None) -> None:
    """See that no file is written over another, or under a name that says something else.

    Raises:
        ConfigError: it would be.
    """
    from bestofn.dataset.cleaning.writing import check_target
    from bestofn.support.place import place_of

    named = [each for each in (kept, rejected) if each is not None]
    given = place_of(Path(source).expanduser())
    places = [given, *map(place_of, named)]
    for at, place in enumerate(places):
        if place in places[:at]:
            raise ConfigError(f"{place}: it cannot be written and be another file here as well")
    read = {place_of(each) for each in given.rglob("*") if each.is_symlink()} if named else set()
    for each, place in zip(named, places[1:], strict=True):
        if place.is_relative_to(given) or place in read:
            raise ConfigError(f"{each} is in the folder that is read: name a file outside of it")
        check_target(each)
