"""`bestofn sample`: from prompts to a dataset, by rejection sampling."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Sequence
from pathlib import Path
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
    ValueOption,
)
from bestofn.cli.options import (
    AnswerKeyOption,
    BestOfOption,
    ConfigOption,
    MaxTokensOption,
    ModelOption,
    RewardModelOption,
    SelectorOption,
    TemperatureOption,
    TrustOption,
    UnsafeCodeOption,
    UpstreamOption,
    VerboseOption,
    named,
    trusting,
)
from bestofn.cli.running import exit_codes, run_to_end
from bestofn.core.errors import ConfigError
from bestofn.settings.choices import RunEngine

if TYPE_CHECKING:
    from bestofn.dataset.prompts.source import PromptSource
    from bestofn.dataset.run.options import Cluster, RunOptions
    from bestofn.settings.settings import Settings


def sample(
    source: Annotated[
        str,
        typer.Argument(
            metavar="INPUT",
            help="JSONL, Parquet, a folder of either, or a dataset on the hub, streamed.",
            show_default=False,
        ),
    ],
    output_folder: Annotated[
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
    unsafe_code: UnsafeCodeOption = None,
    upstream: UpstreamOption = None,
    engine: Annotated[
        RunEngine | None,
        typer.Option(help="What samples; ray: a cluster. \\[vllm where it is installed]"),
    ] = None,
    workers: Annotated[
        int, typer.Option(min=1, help="Pipelines on the cluster, each with its own models.")
    ] = 1,
    max_workers: Annotated[
        int | None,
        typer.Option(min=1, help="So many at most, while rows wait. \\[--workers]"),
    ] = None,
    gpus_per_worker: Annotated[float, typer.Option(min=0, help="Of the cluster, for each.")] = 0,
    ray_address: Annotated[
        str | None, typer.Option(help="Without: the cluster that is here, or a new one.")
    ] = None,
    best_of: BestOfOption = None,
    temperature: TemperatureOption = None,
    max_tokens: MaxTokensOption = None,
    selector: SelectorOption = None,
    answer_key: AnswerKeyOption = None,
    seed: Annotated[
        int | None, typer.Option(help="With it, the same run samples the same again.")
    ] = None,
    column: Annotated[
        list[str] | None,
        typer.Option(help="FIELD=COLUMN, for example prompt=question; several times."),
    ] = None,
    split: Annotated[str, typer.Option(help="Split of a dataset.")] = "train",
    name: Annotated[str | None, typer.Option(help="Configuration of a dataset.")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Rows that are read at most.")] = None,
    formats: FormatsOption = None,
    keep: KeepOption = "best",
    value: ValueOption = None,
    min_margin: MarginOption = 0.0,
    min_confidence: MinConfidenceOption = None,
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
        from bestofn.dataset.prompts.source import PromptSource
        from bestofn.dataset.run.options import Cluster
        from bestofn.settings.settings import Settings

        settings = Settings.load(
            config,
            model=model,
            reward_model=reward_model,
            reward=trusting(trust_remote_code),
            selector=named(selector),
            answer_key=named(answer_key),
            unsafe_code=unsafe_code,
            upstream=upstream or None,
            engine=None if engine == "ray" else engine,
            best_of=best_of,
            temperature=temperature,
            max_tokens=max_tokens,
            seed=seed,
        )
        prompts = PromptSource(source, _columns(column or ()), split, name, limit)
        output = Output.of_flags(
            output_folder,
            formats,
            keep=(keep, value),
            min_confidence=min_confidence,
            min_margin=min_margin,
            seed=settings.seed,
            licence=licence,
            push=(push_to_hub, private),
        )
        options = _options(settings.best_of, in_flight, failures_in_a_row, explore)
        cluster = None
        if engine == "ray":
            if explore is not None:
                raise ConfigError("--explore is not for --engine ray: its workers share no rows")
            most = max_workers or workers
            cluster = Cluster(ray_address, workers, most, gpus=gpus_per_worker)
        elif workers > 1 or max_workers or gpus_per_worker or ray_address:
            raise ConfigError("--workers and the like are for --engine ray")
        run_to_end(
            _sample(
                prompts,
                output,
                settings,
                options,
                cluster=cluster,
                verbose=verbose,
            )
        )


async def _sample(
    prompts: PromptSource,
    output: Output,
    settings: Settings,
    options: RunOptions,
    *,
    cluster: Cluster | None,
    verbose: bool,
) -> None:
    """Do what of the run is not done yet, then write its formats and its card.

    Raises:
        ConfigError: the input cannot be read, or the folder holds another run.
        DatasetError: the disk does not let it, or too many rows failed one after the other, or the
            hub does not take the formats.
        BestOfNError: as `open_pipeline`.
    """
    from rich.console import Console

    from bestofn.builders.pipeline import open_pipeline
    from bestofn.cli.console import quiet_engines
    from bestofn.cli.export import export_run
    from bestofn.dataset.prompts.rows import Defaults
    from bestofn.dataset.run.local import run
    from bestofn.dataset.run.progress import progress
    from bestofn.dataset.run.ray import run_on_ray
    from bestofn.dataset.store.identity import going_on, identity_of
    from bestofn.dataset.store.manifest import Manifest
    from bestofn.dataset.store.store import Store

    manifest = Manifest.read(output.folder)
    settings = going_on(settings, None if manifest is None else manifest.config)
    identity = identity_of(
        settings, source=prompts.source, columns=prompts.columns, explore=options.explore
    )
    defaults = Defaults(settings.best_of, settings.temperature, settings.max_tokens, settings.seed)
    read = functools.partial(prompts.rows, defaults)
    if next(read(), None) is None:
        raise ConfigError(f"{prompts.source}: no rows")
    if output.repository is not None:
        output.repository.check()
    with contextlib.closing(Store.open(output.folder, identity)) as store:
        async with contextlib.AsyncExitStack() as stack:
            console = stack.enter_context(quiet_engines(verbose))
            if store.finished:
                console.print(
                    f"{output.folder}: {store.finished:,} rows are finished; going on from there",
                    highlight=False,
                )
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
        export_run(output, console)


def _columns(given: Sequence[str]) -> dict[str, str]:
    """Where each field stands, from ``FIELD=COLUMN`` each.

    Raises:
        ConfigError: one of them is no mapping of a field that there is.
    """
    from bestofn.dataset.prompts.rows import COLUMNS

    found = {}
    for each in given:
        name, sign, column = each.partition("=")
        if not sign or name not in COLUMNS or not column:
            raise ConfigError(
                f"--column {each} is not FIELD=COLUMN, with one of {', '.join(COLUMNS)}"
            )
        found[name] = column
    return found


def _options(
    best_of: int, in_flight: int | None, failures_in_a_row: int | None, explore: int | None
) -> RunOptions:
    """How the run is worked on, from its flags.

    Raises:
        ConfigError: they do not go together, or with `best_of`.
    """
    from bestofn.dataset.run.options import RunOptions, rows_in_flight

    if explore is not None and not 2 <= explore < best_of:
        raise ConfigError(
            f"--explore {explore}: it has to be at least 2, and less than --best-of ({best_of})"
        )
    return RunOptions(
        in_flight or rows_in_flight(best_of, explore),
        failures_in_a_row or RunOptions().failures_in_a_row,
        explore,
    )
