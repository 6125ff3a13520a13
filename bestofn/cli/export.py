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

    from bestofn.dataset.export.keep_rule import KeepRule


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
    from bestofn.dataset.export.card import write_card
    from bestofn.dataset.export.export import export as write_formats
    from bestofn.dataset.export.summary import Summary
    from bestofn.dataset.store.rollouts import read_rollouts

    folder, state = output.folder, state_of(output.folder)
    if state.unfinished and output.repository is not None:
        raise ConfigError(f"{folder} is not pushed: a run has to be finished for that")
    summary = Summary()
    rollouts = summary.counting(read_rollouts(folder))
    written = write_formats(folder, rollouts, output.formats, output.choice)
    kept = _described(output.choice.rule)
    write_card(folder, state, summary, written, licence=output.licence, kept=kept)
    for each in written:
        odd = f"; {each.skipped:,} with tool calls or images left out" if each.skipped else ""
        console.print(
            f"{folder / each.name}: {each.rows:,} rows of {each.prompts:,} prompts{odd}",
            highlight=False,
            soft_wrap=True,
        )
    if output.repository is not None:
        pushed = output.repository.push(folder, output.formats)
        console.print(pushed, highlight=False, soft_wrap=True)


def _described(rule: KeepRule) -> str:
    """A rule, for a reader."""
    said = rule.keep if rule.value is None else f"{rule.keep} {rule.value:g}"
    sure = rule.min_confidence
    return said if sure is None else f"{said}, of prompts with a confidence of at least {sure:g}"
