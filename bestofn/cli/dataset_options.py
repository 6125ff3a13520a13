"""Owns the commands that make datasets, and their flags."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bestofn.cli.options import (
    BestOfOption,
    ConfigOption,
    MaxTokensOption,
    ModelOption,
    RewardModelOption,
    TemperatureOption,
    TrustOption,
    UpstreamOption,
    VerboseOption,
)
from bestofn.cli.running import exit_codes, run_to_end, trusting
from bestofn.core.errors import ConfigError
from bestofn.settings.choices import FormatName, Keep, RunEngine

if TYPE_CHECKING:
    from bestofn.dataset.export.formats import ExportOptions
    from bestofn.dataset.export.push import Repository

app = typer.Typer()


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
    typer.Option("--format", help="What is written; several times. [all]"),
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
LicenceOption = Annotated[
    str | None, typer.Option("--license", help="For the card, for example apache-2.0.")
]
PushOption = Annotated[
    str | None,
    typer.Option(
        "--push-to-hub", metavar="OWNER/NAME", help="Of a dataset, for the formats and the card."
    ),
]
PrivateOption = Annotated[
    bool, typer.Option("--private", help="The dataset on the hub, where it is not there yet.")
]
RunFolder = Annotated[
    Path, typer.Argument(metavar="DIR", help="Of a run of `bestofn sample`.", show_default=False)
]


@app.command()
def sample(
    source: Annotated[
        str,
        typer.Argument(
            metavar="INPUT",
            help="JSONL, Parquet, a folder of either, or a dataset on the hub, streamed.",
            show_default=False,
        ),
    ],
    output: Annotated[
        Path,
        typer.Option(
            "--output",
            "-o",
            help="Folder of the run; one that is there goes on.",
            show_default=False,
        ),
    ],
    model: ModelOption = None,
    reward_model: RewardModelOption = None,
    trust_remote_code: TrustOption = None,
    upstream: UpstreamOption = None,
    engine: Annotated[
        RunEngine | None,
        typer.Option(help="What samples; ray: a cluster. [vllm where it is installed]"),
    ] = None,
    workers: Annotated[
        int, typer.Option(min=1, help="Pipelines on the cluster, each with its own models.")
    ] = 1,
    max_workers: Annotated[
        int | None, typer.Option(min=1, help="As many at most, while rows wait. [--workers]")
    ] = None,
    gpus_per_worker: Annotated[float, typer.Option(min=0, help="Of the cluster.")] = 0,
    ray_address: Annotated[
        str | None, typer.Option(help="Without: the cluster that is here, or a new one.")
    ] = None,
    best_of: BestOfOption = None,
    temperature: TemperatureOption = None,
    max_tokens: MaxTokensOption = None,
    seed: Annotated[
        int | None, typer.Option(help="With it, the same run samples the same again.")
    ] = None,
    column: Annotated[
        list[str] | None,
        typer.Option(help="FIELD=COLUMN, for example prompt=question; several times."),
    ] = None,
    split: Annotated[str, typer.Option(help="Of a dataset.")] = "train",
    name: Annotated[str | None, typer.Option(help="Of a dataset's configuration.")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Rows that are read at most.")] = None,
    formats: FormatsOption = None,
    keep: KeepOption = "best",
    value: ValueOption = None,
    min_margin: MarginOption = 0.0,
    licence: LicenceOption = None,
    push_to_hub: PushOption = None,
    private: PrivateOption = False,
    explore: Annotated[
        int | None,
        typer.Option(
            help="So many of each row first, then the rest of the samples where their rewards "
            "promise most (AdaBoN). Without: every row gets the same."
        ),
    ] = None,
    in_flight: Annotated[
        int | None, typer.Option(min=1, help="Rows sampled at once. [512 candidates' worth]")
    ] = None,
    failures_in_a_row: Annotated[
        int | None, typer.Option(min=1, help="Rows that fail one after the other and stop it. [20]")
    ] = None,
    config: ConfigOption = None,
    verbose: VerboseOption = False,
) -> None:
    """Make a dataset by rejection sampling; interrupted, the same command goes on."""
    with exit_codes():
        from bestofn.cli import sample as command
        from bestofn.dataset.run.options import Cluster
        from bestofn.settings.settings import Settings

        settings = Settings.load(
            config,
            model=model,
            reward_model=reward_model,
            reward=trusting(trust_remote_code),
            upstream=upstream,
            engine=None if engine == "ray" else engine,
            best_of=best_of,
            temperature=temperature,
            max_tokens=max_tokens,
            seed=seed,
        )
        cluster = None
        if engine == "ray":
            most = max_workers or workers
            cluster = Cluster(ray_address, workers, most, gpus=gpus_per_worker)
        elif workers > 1 or max_workers or gpus_per_worker or ray_address:
            raise ConfigError("--workers and the like are for --engine ray")
        if cluster is not None and explore is not None:
            raise ConfigError("--explore is not for --engine ray: its workers share no rows")
        given = command.Input(source, column or (), split, name, limit)
        kept = _choice(keep, value, min_margin, settings.seed)
        repository = _repository(push_to_hub, private)
        made = command.Output(output, _formats(formats), kept, licence, repository)
        run_to_end(
            command.sample(
                given,
                made,
                settings,
                options=command.run_options(
                    settings.best_of, in_flight, failures_in_a_row, explore
                ),
                cluster=cluster,
                verbose=verbose,
            )
        )


@app.command()
def export(
    folder: RunFolder,
    formats: FormatsOption = None,
    keep: KeepOption = "best",
    value: ValueOption = None,
    min_margin: MarginOption = 0.0,
    seed: Annotated[int, typer.Option(help="Of the random baseline.")] = 0,
    licence: LicenceOption = None,
    push_to_hub: PushOption = None,
    private: PrivateOption = False,
) -> None:
    """Write a run's formats again, chosen otherwise; needs no models."""
    with exit_codes():
        from rich.console import Console

        from bestofn.cli.export import export_run

        kept = _choice(keep, value, min_margin, seed)
        repository = _repository(push_to_hub, private)
        if repository is not None:
            repository.check()
        export_run(folder, _formats(formats), kept, licence, Console(stderr=True), repository)


@app.command()
def report(folder: RunFolder) -> None:
    """Write a run on one HTML page, with plots and examples to read."""
    with exit_codes():
        from bestofn.cli.report import run

        run(folder)


@app.command()
def verify(folder: RunFolder) -> None:
    """Say whether a run's folder holds what its manifest says."""
    with exit_codes():
        from bestofn.cli.verify import run

        run(folder)


def _formats(given: Sequence[FormatOption] | None) -> list[FormatName]:
    from bestofn.dataset.export.formats import NAMES

    named = {each.value for each in given or [FormatOption.all]}
    return [each for each in NAMES if each in named or "all" in named]


def _choice(keep: Keep, value: float | None, min_margin: float, seed: int | None) -> ExportOptions:
    from bestofn.dataset.export.formats import ExportOptions
    from bestofn.dataset.export.keep_rule import KeepRule

    return ExportOptions(KeepRule(keep, value), min_margin, seed or 0)


def _repository(name: str | None, private: bool) -> Repository | None:
    from bestofn.dataset.export.push import Repository

    if name is None and private:
        raise ConfigError("--private is for --push-to-hub")
    return None if name is None else Repository(name, private)
