"""`bestofn sample`: from prompts to a dataset, by rejection sampling."""

from __future__ import annotations

import contextlib
import functools
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
    mapped_columns,
)
from bestofn.cli.options import (
    AnswerKeyOption,
    BestOfOption,
    ChatTemplateOption,
    ConfigOption,
    GeneratorOption,
    GrowOption,
    MaxTokensOption,
    ModelOption,
    RequestTimeoutOption,
    RewardModelOption,
    SelectorOption,
    StopOption,
    TemperatureOption,
    TrustOption,
    UnsafeCodeOption,
    UpstreamOption,
    VerboseOption,
    at_home,
    check_stopping,
    named,
    section_of,
    trusting,
)
from bestofn.cli.running import exit_codes, run_to_end
from bestofn.cli.sample_options import refuse_exploring, run_options
from bestofn.core.errors import ConfigError, DatasetError
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
            help="JSON lines or array, CSV, TSV, Parquet (gz, zst, ...), a folder of these, or a "
            "dataset on the hub, streamed.",
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
            metavar="DIR",
            parser=at_home,
        ),
    ],
    model: ModelOption = None,
    reward_model: RewardModelOption = None,
    trust_remote_code: TrustOption = None,
    unsafe_code: UnsafeCodeOption = None,
    upstream: UpstreamOption = None,
    chat_template: ChatTemplateOption = None,
    generator: GeneratorOption = None,
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
    stop: StopOption = None,
    grow: GrowOption = None,
    seed: Annotated[
        int | None, typer.Option(help="With it, the same run samples the same again.")
    ] = None,
    column: Annotated[
        list[str] | None,
        typer.Option(help="FIELD=COLUMN, for example prompt=question; several times."),
    ] = None,
    raw: Annotated[
        bool,
        typer.Option(
            "--raw", help="Continue each prompt as it is, without a chat template (base models)."
        ),
    ] = False,
    split: Annotated[
        str | None, typer.Option(help="Of a folder or dataset. \\[train, or the only one]")
    ] = None,
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
        typer.Option(help="Of 0.1; says what there is instead.", hidden=True),
    ] = None,
    in_flight: Annotated[
        int | None, typer.Option(min=1, help="Rows sampled at once. [512 candidates' worth]")
    ] = None,
    failures_in_a_row: Annotated[
        int | None,
        typer.Option(
            min=1, help="Rows that fail, or cannot be read, one after the other and stop it. [20]"
        ),
    ] = None,
    request_timeout: RequestTimeoutOption = None,
    config: ConfigOption = None,
    verbose: VerboseOption = False,
) -> None:
    """Make a dataset by rejection sampling; interrupted, the same command goes on."""
    with exit_codes():
        refuse_exploring(explore)
        from bestofn.dataset.prompts.layouts import COLUMNS
        from bestofn.dataset.prompts.source import PromptSource
        from bestofn.dataset.run.options import Cluster
        from bestofn.settings.settings import NO_REWARD_MODEL, Settings

        settings = Settings.load(
            config,
            model=model,
            reward_model=reward_model,
            reward=trusting(trust_remote_code),
            selector=named(selector),
            answer_key=named(answer_key),
            unsafe_code=unsafe_code,
            upstream=upstream or None,
            chat_template=chat_template,
            generators=generator or None,
            engine=None if engine == "ray" else engine,
            best_of=best_of,
            temperature=temperature,
            max_tokens=max_tokens,
            seed=seed,
            request_timeout_seconds=request_timeout,
            stop=stop,
            policy=section_of(grow=grow),
        )
        check_stopping(settings)
        columns = mapped_columns(column or (), COLUMNS)
        prompts = PromptSource(source, columns, split, name, limit)
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
        if settings.reward_model == NO_REWARD_MODEL and output.choice.rule.needs_rewards:
            raise ConfigError(f"--keep {keep} needs rewards, and no reward model is to give any")
        options = run_options(settings, in_flight, failures_in_a_row)
        cluster = None
        if engine == "ray":
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
                raw=raw,
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
    raw: bool,
    verbose: bool,
) -> None:
    """Do what of the run is not done yet, then write its formats and its card.

    Raises:
        ConfigError: the input cannot be read, or the folder holds another run.
        DatasetError: the disk does not let it, or too many rows failed or could not be read one
            after the other, or all did, or the hub does not take the formats.
        BestOfNError: as `opened_pipeline`.
    """
    from rich.console import Console

    from bestofn.builders.pipeline import open_pipeline
    from bestofn.cli.console import quiet_engines
    from bestofn.cli.export import export_run
    from bestofn.cli.within import opened_pipeline
    from bestofn.dataset.prompts.rows import Defaults
    from bestofn.dataset.run.local import run
    from bestofn.dataset.run.progress import outcome, progress
    from bestofn.dataset.run.ray import run_on_ray
    from bestofn.dataset.run.reading import check_readable
    from bestofn.dataset.store.identity import going_on, identity_of
    from bestofn.dataset.store.journal import JOURNAL
    from bestofn.dataset.store.manifest import Manifest
    from bestofn.dataset.store.store import Store

    manifest = Manifest.read(output.folder)
    settings = going_on(settings, None if manifest is None else manifest.config)
    identity = identity_of(settings, source=prompts.source, columns=prompts.columns, raw=raw)
    defaults = Defaults(
        settings.best_of, settings.temperature, settings.max_tokens, settings.seed, raw
    )
    read = functools.partial(prompts.rows, defaults)
    described = prompts.described(defaults, going_on=manifest is not None)
    check_readable(read(), options.failures_in_a_row)
    if output.repository is not None:
        output.repository.check()
    with contextlib.closing(Store.open(output.folder, identity)) as store:
        async with contextlib.AsyncExitStack() as stack:
            console = stack.enter_context(quiet_engines(verbose))
            tell = functools.partial(console.print, markup=False, highlight=False, soft_wrap=True)
            tell(f"{prompts.source}: {described}")
            for number in store.damaged:
                tell(f"{output.folder}/{JOURNAL}:{number} is damaged; its row is sampled again")
            if store.finished:
                tell(f"{output.folder}: {store.finished:,} rows are finished; going on from there")
            if cluster is None:
                with console.status("loading the models"):
                    pipeline = await stack.enter_async_context(opened_pipeline(settings))
                watch = stack.enter_context(progress(console, store.manifest.rows))
                counts = await run(read(), store, pipeline, options, watch=watch)
            else:
                opening = functools.partial(open_pipeline, settings)
                watch = stack.enter_context(progress(console, store.manifest.rows))
                counts = await run_on_ray(
                    read, store, opening, cluster, options, watch=watch, tell=tell
                )
        console = Console(stderr=True)
        for line in outcome(counts):
            console.print(line, markup=False, highlight=False, soft_wrap=True)
        if counts.failed and not (counts.sampled or counts.skipped):
            raise DatasetError(f"{output.folder}: nothing was sampled")
        export_run(output, console)
