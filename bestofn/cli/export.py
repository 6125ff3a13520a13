"""`bestofn export`: a run's records in the formats of trainers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from bestofn.cli.dataset_options import (
    FormatsOption,
    KeepOption,
    LicenceOption,
    MarginOption,
    MinConfidenceOption,
    Output,
    PrivateOption,
    PushOption,
    RunFolder,
    ValueOption,
    state_of,
)
from bestofn.cli.running import exit_codes
from bestofn.core.errors import ConfigError

if TYPE_CHECKING:
    from rich.console import Console


def export(
    folder: RunFolder,
    formats: FormatsOption = None,
    keep: KeepOption = "best",
    value: ValueOption = None,
    min_margin: MarginOption = 0.0,
    min_confidence: MinConfidenceOption = None,
    seed: Annotated[int, typer.Option(help="Of the random baseline.")] = 0,
    licence: LicenceOption = None,
    push_to_hub: PushOption = None,
    private: PrivateOption = False,
) -> None:
    """Write a run's formats again, chosen otherwise; needs no models."""
    with exit_codes():
        from rich.console import Console

        output = Output.of_flags(
            folder,
            formats,
            keep=(keep, value),
            min_confidence=min_confidence,
            min_margin=min_margin,
            seed=seed,
            licence=licence,
            push=(push_to_hub, private),
        )
        if output.repository is not None:
            output.repository.check()
        export_run(output, Console(stderr=True))


def export_run(output: Output, console: Console) -> None:
    """Write the formats and the card of a run, say what is in them, and push them to the hub.

    Raises:
        ConfigError: it is no run, or a shard cannot be read; or it is to be pushed and is not
            finished.
        DatasetError: the disk does not let it, or the hub does not take it.
    """
    from bestofn.dataset.export.card import card_text, write_card
    from bestofn.dataset.export.export import export as write_formats
    from bestofn.dataset.export.exported import exported_in
    from bestofn.dataset.export.summary import Summary
    from bestofn.dataset.store.rollouts import read_rollouts

    folder, state = output.folder, state_of(output.folder)
    if state.unfinished and output.repository is not None:
        raise ConfigError(f"{folder} is not pushed: a run has to be finished for that")
    summary = Summary()
    rollouts = summary.counting(read_rollouts(folder))
    written = write_formats(folder, rollouts, output.formats, output.choice)
    there = exported_in(folder)
    write_card(folder, state, summary, there, licence=output.licence)
    for each in written:
        odd = f"; {each.skipped:,} with tool calls or images left out" if each.skipped else ""
        console.print(
            f"{folder / each.name}: {each.rows:,} rows of {each.prompts:,} prompts{odd}",
            highlight=False,
            soft_wrap=True,
        )
    if output.repository is not None:
        # What was pushed before stays on the hub's card, and is to be what that says of it.
        named = {*output.formats, *output.repository.formats()}
        pushed = [each for each in there if each.name in named]
        card = card_text(state, summary, pushed, licence=output.licence)
        address = output.repository.push(folder, card, [each.name for each in pushed])
        console.print(address, highlight=False, soft_wrap=True)
