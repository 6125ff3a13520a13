"""Owns the command line: its commands, their flags and their exit codes.

Exit codes: 0; 1 the engine or the reward model failed; 2 bad arguments or input; 3 nothing
acceptable was left and the policy is `error`; 130 interrupted.
"""

from __future__ import annotations

import asyncio
import contextlib
import enum
import os
import sys
from collections.abc import Callable, Coroutine, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand

from bestofn import __version__
from bestofn.errors import BestOfNError, ConfigError, NothingAcceptableError, RequestError
from bestofn.ranking import OnExhausted
from bestofn.types import (
    CacheType,
    Engine,
    FormatName,
    Keep,
    LogFormat,
    Quantization,
    Request,
    RunEngine,
)

if TYPE_CHECKING:
    from bestofn.dataset.formats import Choice
    from bestofn.dataset.hub import Repository

LoopFactory = Callable[[], asyncio.AbstractEventLoop] | None

app = typer.Typer(
    help="Sample N answers, reject the repetitive and the truncated, return the best.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

ConfigOption = Annotated[
    Path | None, typer.Option("--config", help="YAML file of settings; flags win over it.")
]
RewardModelOption = Annotated[
    str | None,
    typer.Option(
        help="Folder, hub name or URL of a server that scores; `none` only filters. Without: the "
        "embedded one."
    ),
]
TrustOption = Annotated[
    bool | None,
    typer.Option(
        "--trust-remote-code",
        help="Let the reward model's checkpoint run its own code.",
        show_default=False,
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")]
VerboseOption = Annotated[bool, typer.Option("--verbose", help="Show what the engines log.")]


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
def ask(
    prompt: Annotated[str, typer.Argument(help="What to ask.", show_default=False)],
    best_of: Annotated[int | None, typer.Option(min=1, help="How many to sample. [8]")] = None,
    model: Annotated[
        str | None, typer.Option(help="Folder or hub name. Without: the embedded one.")
    ] = None,
    reward_model: RewardModelOption = None,
    trust_remote_code: TrustOption = None,
    upstream: Annotated[
        str | None, typer.Option(help="URL of an OpenAI-compatible server, to sample there.")
    ] = None,
    engine: Annotated[
        Engine | None, typer.Option(help="What samples. [vllm where it is installed]")
    ] = None,
    system: Annotated[str | None, typer.Option(help="A system message.")] = None,
    temperature: Annotated[
        float | None, typer.Option(min=0, max=2, help="Without: the model's own.")
    ] = None,
    max_tokens: Annotated[
        int | None, typer.Option(min=1, help="Per candidate. Without: the model's own limit.")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Candidate i samples with seed + i.")] = None,
    on_exhausted: Annotated[
        OnExhausted | None,
        typer.Option(help="What to do when nothing is acceptable. [resample]"),
    ] = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Ask once, sample many, show how each did and print the best."""
    with _exit_codes():
        from bestofn.commands.ask import run
        from bestofn.config import Settings

        settings = Settings.load(
            config,
            best_of=best_of,
            model=model,
            reward_model=reward_model,
            reward=_trusting(trust_remote_code),
            upstream=upstream,
            engine=engine,
            temperature=temperature,
            max_tokens=max_tokens,
            seed=seed,
            policy=None if on_exhausted is None else {"on_exhausted": on_exhausted},
        )
        if not prompt.strip():
            raise RequestError("the prompt is empty")
        request = Request.from_prompt(
            prompt,
            system=system,
            best_of=settings.best_of,
            temperature=settings.temperature,
            max_tokens=settings.max_tokens,
            seed=settings.seed,
        )
        _run(run(request, settings, as_json=as_json, verbose=verbose))


class _TakesEngineFlags(TyperCommand):
    """Hands everything after ``--`` to the engine, whatever it looks like."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        own, separator, rest = args, "", []
        if "--" in args:
            at = args.index("--")
            own, separator, rest = args[:at], args[at], args[at + 1 :]
        ctx.obj = rest if separator else None
        return super().parse_args(ctx, own)


@app.command(cls=_TakesEngineFlags, epilog="After `--`: any flag of `vllm serve`.")
def serve(
    context: typer.Context,
    model: Annotated[
        str | None,
        typer.Argument(help="Folder or hub name. Without: the embedded one.", show_default=False),
    ] = None,
    reward_model: RewardModelOption = None,
    trust_remote_code: TrustOption = None,
    best_of: Annotated[
        int | None, typer.Option(min=1, help="Sampled for a request that does not say. [8]")
    ] = None,
    upstream: Annotated[
        str | None, typer.Option(help="URL of an OpenAI-compatible server, to sample there.")
    ] = None,
    engine: Annotated[
        Engine | None, typer.Option(help="What samples. [vllm where it is installed]")
    ] = None,
    host: Annotated[str | None, typer.Option(help="[127.0.0.1]")] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="0: any. [8000]")] = None,
    api_key: Annotated[
        list[str] | None,
        typer.Option(envvar="BESTOFN_API_KEY", help="Lets in; may be given several times."),
    ] = None,
    api_key_file: Annotated[
        Path | None, typer.Option(help="One key a line; read again on SIGHUP.")
    ] = None,
    log_format: Annotated[LogFormat | None, typer.Option(help="[text]")] = None,
    config: ConfigOption = None,
    verbose: VerboseOption = False,
) -> None:
    """Serve OpenAI's API, each answer the best of several."""
    with _exit_codes():
        from bestofn.commands.serve import loop_factory, run
        from bestofn.config import Settings

        server = {
            "host": host,
            "port": port,
            "api_keys": api_key or None,
            "api_key_file": api_key_file,
            "log_format": log_format,
        }
        settings = Settings.load(
            config,
            model=model,
            reward_model=reward_model,
            reward=_trusting(trust_remote_code),
            best_of=best_of,
            upstream=upstream,
            engine=engine,
            engine_args=context.obj,
            server={name: value for name, value in server.items() if value is not None},
        )
        _run(run(settings, verbose=verbose), loop_factory())


@app.command()
def score(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE.jsonl",
            help='Rows of {"prompt" or "messages", "responses"}; - reads standard input.',
            show_default=False,
        ),
    ],
    reward_model: RewardModelOption = None,
    trust_remote_code: TrustOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Rank responses that already exist."""
    with _exit_codes():
        from bestofn.commands.score import run
        from bestofn.config import Settings

        settings = Settings.load(
            config, reward_model=reward_model, reward=_trusting(trust_remote_code)
        )
        if str(file) != "-" and not file.is_file():
            raise ConfigError(f"{file}: {'is a folder' if file.is_dir() else 'no such file'}")
        _run(run(file, settings, as_json=as_json, verbose=verbose))


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
    model: Annotated[
        str | None, typer.Option(help="Folder or hub name. Without: the embedded one.")
    ] = None,
    reward_model: RewardModelOption = None,
    trust_remote_code: TrustOption = None,
    upstream: Annotated[
        str | None, typer.Option(help="URL of an OpenAI-compatible server, to sample there.")
    ] = None,
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
    best_of: Annotated[int | None, typer.Option(min=1, help="How many to sample. [8]")] = None,
    temperature: Annotated[
        float | None, typer.Option(min=0, max=2, help="Without: the model's own.")
    ] = None,
    max_tokens: Annotated[
        int | None, typer.Option(min=1, help="Per candidate. Without: the model's own limit.")
    ] = None,
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
    with _exit_codes():
        from bestofn.commands import sample as command
        from bestofn.config import Settings

        settings = Settings.load(
            config,
            model=model,
            reward_model=reward_model,
            reward=_trusting(trust_remote_code),
            upstream=upstream,
            engine=None if engine == "ray" else engine,
            best_of=best_of,
            temperature=temperature,
            max_tokens=max_tokens,
            seed=seed,
        )
        spread = None
        if engine == "ray":
            spread = command.Workers(ray_address, workers, max_workers, gpus_per_worker)
        elif workers > 1 or max_workers or gpus_per_worker or ray_address:
            raise ConfigError("--workers and the like are for --engine ray")
        if spread is not None and explore is not None:
            raise ConfigError("--explore is not for --engine ray: its workers share no rows")
        given = command.Input(source, column or (), split, name, limit)
        kept = _choice(keep, value, min_margin, settings.seed)
        repository = _repository(push_to_hub, private)
        made = command.Output(output, _formats(formats), kept, licence, repository)
        _run(
            command.sample(
                given,
                made,
                settings,
                in_flight=in_flight,
                failures_in_a_row=failures_in_a_row,
                explore=explore,
                workers=spread,
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
    with _exit_codes():
        from rich.console import Console

        from bestofn.commands.export import export_run

        kept = _choice(keep, value, min_margin, seed)
        repository = _repository(push_to_hub, private)
        if repository is not None:
            repository.check()
        export_run(folder, _formats(formats), kept, licence, Console(stderr=True), repository)


@app.command()
def report(folder: RunFolder) -> None:
    """Write a run on one HTML page, with plots and examples to read."""
    with _exit_codes():
        from bestofn.commands.report import run

        run(folder)


@app.command()
def verify(folder: RunFolder) -> None:
    """Say whether a run's folder holds what its manifest says."""
    with _exit_codes():
        from bestofn.commands.verify import run

        run(folder)


@app.command()
def plan(
    model: Annotated[
        str | None, typer.Option(help="Folder or hub name. Without: the embedded one.")
    ] = None,
    reward_model: RewardModelOption = None,
    gpu_memory: Annotated[
        str | None,
        typer.Option(help="Of the card, for example 24GiB. Without: of the one that is here."),
    ] = None,
    best_of: Annotated[
        int | None, typer.Option(min=1, help="Candidates of a prompt, to run at once. [8]")
    ] = None,
    max_tokens: Annotated[int | None, typer.Option(min=1, help="Per candidate. [1024]")] = None,
    max_model_len: Annotated[
        int | None,
        typer.Option(min=1, help="Tokens of prompt and candidate. Without: the most that fit."),
    ] = None,
    kv_cache_dtype: Annotated[
        CacheType | None, typer.Option(help="Of the generator's cache. [auto]")
    ] = None,
    quantization: Annotated[
        Quantization | None, typer.Option(help="Of the reward model. [none]", show_default=False)
    ] = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say how a generator and a reward model share one GPU, from their headers alone."""
    with _exit_codes():
        from bestofn.commands.plan import run
        from bestofn.config import Settings

        settings = Settings.load(
            config,
            model=model,
            reward_model=reward_model,
            reward=None if quantization is None else {"quantization": quantization},
            best_of=best_of,
            max_tokens=max_tokens,
        )
        run(
            settings,
            gpu_memory=gpu_memory,
            max_model_len=max_model_len,
            fp8_cache=kv_cache_dtype == "fp8",
            as_json=as_json,
        )


@app.command()
def models(as_json: JsonOption = False) -> None:
    """List the reward models that are read natively, and how each is recognised."""
    with _exit_codes():
        from bestofn.commands.models import run

        run(as_json=as_json)


@app.callback(invoke_without_command=True)
def _root(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and exit.", is_eager=True)
    ] = False,
) -> None:
    if version:
        typer.echo(f"bestofn {__version__}")
        raise typer.Exit


def _formats(given: Sequence[FormatOption] | None) -> list[FormatName]:
    from bestofn.dataset.formats import NAMES

    named = {each.value for each in given or [FormatOption.all]}
    return [each for each in NAMES if each in named or "all" in named]


def _choice(keep: Keep, value: float | None, min_margin: float, seed: int | None) -> Choice:
    from bestofn.dataset.accept import Rule
    from bestofn.dataset.formats import Choice

    return Choice(Rule(keep, value), min_margin, seed or 0)


def _repository(name: str | None, private: bool) -> Repository | None:
    from bestofn.dataset.hub import Repository

    if name is None and private:
        raise ConfigError("--private is for --push-to-hub")
    return None if name is None else Repository(name, private)


def _trusting(given: bool | None) -> dict[str, bool] | None:
    return {"trust_remote_code": True} if given else None


def _run(command: Coroutine[Any, Any, None], loop_factory: LoopFactory = None) -> None:
    from bestofn.commands.interrupt import ending_on_interrupt

    with ending_on_interrupt(), asyncio.Runner(loop_factory=loop_factory) as runner:
        runner.run(command)


@contextlib.contextmanager
def _exit_codes() -> Iterator[None]:
    """Turn what bestofn raises into one sentence on standard error and an exit code."""
    try:
        yield
    except BestOfNError as error:
        for line in [f"bestofn: {error}", *getattr(error, "__notes__", [])]:
            typer.echo(line, err=True)
        if isinstance(error, NothingAcceptableError):
            raise typer.Exit(3) from error
        raise typer.Exit(2 if isinstance(error, ConfigError | RequestError) else 1) from error
    except KeyboardInterrupt as error:
        typer.echo("bestofn: interrupted", err=True)
        raise typer.Exit(130) from error
    except BrokenPipeError:  # the reader of our output has gone (`| head`)
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def main() -> None:
    """The console script."""
    app()
