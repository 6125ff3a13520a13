"""What the commands of datasets share: flags, and what becomes of a run's records."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Self

import typer

from bestofn.cli.options import at_home
from bestofn.core.errors import ConfigError
from bestofn.settings.choices import FormatName, Keep

if TYPE_CHECKING:
    from bestofn.dataset.export.options import ExportOptions
    from bestofn.dataset.export.push import Repository
    from bestofn.dataset.store.rollouts import RunState


class FormatOption(enum.StrEnum):
    """A `FormatName`, or all of them; Typer takes no list of literals."""

    all = "all"
    sft = "sft"
    dpo = "dpo"
    kto = "kto"
    ranked = "ranked"
    candidates = "candidates"
    first = "first"
    random = "random"


FormatsOption = Annotated[
    list[FormatOption] | None,
    typer.Option("--format", help="What is written; several times. \\[all]"),
]
KeepOption = Annotated[
    Keep, typer.Option(help="Which candidates of a prompt are good, by their rewards in it.")
]
ValueOption = Annotated[
    float | None,
    typer.Option(
        help="k of top-k [2], threshold of above, or how much for margin [0], zscore [1]."
    ),
]
MarginOption = Annotated[
    float, typer.Option(min=0, help="Of a DPO pair: by how much the chosen is better at least.")
]
MinConfidenceOption = Annotated[
    float | None,
    typer.Option(
        min=0, max=1, help="Keep nothing of a prompt whose winner was chosen with less confidence."
    ),
]
LicenceOption = Annotated[
    str | None,
    typer.Option("--license", help="Named on the card, for example apache-2.0."),
]
PushOption = Annotated[
    str | None,
    typer.Option(
        "--push-to-hub",
        metavar="OWNER/NAME",
        help="Upload formats and card to this hub dataset.",
    ),
]
PrivateOption = Annotated[
    bool,
    typer.Option("--private", help="Make a new dataset on the hub private."),
]
RunFolder = Annotated[
    Path,
    typer.Argument(
        metavar="DIR", help="What `bestofn sample` wrote.", show_default=False, parser=at_home
    ),
]


def state_of(folder: Path) -> RunState:
    """How far the run in a folder is; where it is not finished standard error is told.

    Raises:
        ConfigError: it is no run, or a shard cannot be read.
    """
    from bestofn.dataset.store.rollouts import run_state

    state = run_state(folder)
    if state.unfinished:
        typer.echo(f"{folder}: {state.unfinished}", err=True)
    return state


@dataclass(frozen=True, slots=True)
class Output:
    """What becomes of the records of a run.

    Args:
        folder: of the run.
        formats: that are written.
        choice: which candidates they take.
        licence: for the card; None: it names none.
        repository: where they are pushed; None: nowhere.
    """

    folder: Path
    formats: Sequence[FormatName]
    choice: ExportOptions
    licence: str | None = None
    repository: Repository | None = None

    @classmethod
    def of_flags(
        cls,
        folder: Path,
        formats: Sequence[FormatOption] | None,
        *,
        keep: tuple[Keep, float | None],
        min_confidence: float | None,
        min_margin: float,
        seed: int | None,
        licence: str | None,
        push: tuple[str | None, bool],
    ) -> Self:
        """What the flags stand for.

        Args:
            folder: of the run.
            formats: `FormatsOption`; None: all.
            keep: `KeepOption` and its `ValueOption`.
            min_confidence: `MinConfidenceOption`.
            min_margin: `MarginOption`.
            seed: of the random baseline; None: 0.
            licence: `LicenceOption`.
            push: `PushOption` and `PrivateOption`.

        Raises:
            ConfigError: they contradict each other, or a value is out of its range.
        """
        from bestofn.dataset.export.formats import NAMES
        from bestofn.dataset.export.keep_rule import KeepRule
        from bestofn.dataset.export.options import ExportOptions
        from bestofn.dataset.export.push import Repository

        named = {each.value for each in formats or [FormatOption.all]}
        name, private = push
        if name is None and private:
            raise ConfigError("--private is for --push-to-hub")
        return cls(
            folder,
            [each for each in NAMES if each in named or "all" in named],
            ExportOptions(KeepRule(*keep, min_confidence), min_margin, seed or 0),
            licence,
            None if name is None else Repository(name, private),
        )


def mapped_columns(given: Sequence[str], fields: Sequence[str]) -> dict[str, str]:
    """Where each field stands, from ``FIELD=COLUMN`` each.

    Args:
        given: the flags.
        fields: those that there are.

    Raises:
        ConfigError: one of them is no mapping of a field that there is.
    """
    found = {}
    for each in given:
        field, sign, column = each.partition("=")
        if not sign or field not in fields or not column:
            raise ConfigError(
                f"--column {each} is not FIELD=COLUMN, with one of {', '.join(fields)}"
            )
        found[field] = column
    return found
