"""Owns the commands that answer, score and serve, and those that say what that takes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

from bestofn.cli.options import (
    BestOfOption,
    ConfigOption,
    JsonOption,
    MaxTokensOption,
    ModelOption,
    RewardModelOption,
    TemperatureOption,
    TrustOption,
    UpstreamOption,
    VerboseOption,
)
from bestofn.cli.running import exit_codes, run_to_end, trusting
from bestofn.control.policy import OnExhausted
from bestofn.core.errors import ConfigError, RequestError
from bestofn.core.types import Request
from bestofn.settings.choices import CacheType, Engine, LogFormat, Quantization

app = typer.Typer()


@app.command()
def ask(
    prompt: Annotated[str, typer.Argument(help="What to ask.", show_default=False)],
    best_of: BestOfOption = None,
    model: ModelOption = None,
    reward_model: RewardModelOption = None,
    trust_remote_code: TrustOption = None,
    upstream: UpstreamOption = None,
    engine: Annotated[
        Engine | None, typer.Option(help="What samples. [vllm where it is installed]")
    ] = None,
    system: Annotated[str | None, typer.Option(help="A system message.")] = None,
    temperature: TemperatureOption = None,
    max_tokens: MaxTokensOption = None,
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
    with exit_codes():
        from bestofn.cli.ask import run
        from bestofn.settings.settings import Settings

        settings = Settings.load(
            config,
            best_of=best_of,
            model=model,
            reward_model=reward_model,
            reward=trusting(trust_remote_code),
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
        run_to_end(run(request, settings, as_json=as_json, verbose=verbose))


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
    upstream: UpstreamOption = None,
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
    with exit_codes():
        from bestofn.cli.serve import loop_factory, run
        from bestofn.settings.settings import Settings

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
            reward=trusting(trust_remote_code),
            best_of=best_of,
            upstream=upstream,
            engine=engine,
            engine_args=context.obj,
            server={name: value for name, value in server.items() if value is not None},
        )
        run_to_end(run(settings, verbose=verbose), loop_factory())


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
    with exit_codes():
        from bestofn.cli.score import run
        from bestofn.settings.settings import Settings

        settings = Settings.load(
            config, reward_model=reward_model, reward=trusting(trust_remote_code)
        )
        if str(file) != "-" and not file.is_file():
            raise ConfigError(f"{file}: {'is a folder' if file.is_dir() else 'no such file'}")
        run_to_end(run(file, settings, as_json=as_json, verbose=verbose))


@app.command()
def plan(
    model: ModelOption = None,
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
    with exit_codes():
        from bestofn.cli.plan import run
        from bestofn.settings.settings import Settings

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
    with exit_codes():
        from bestofn.cli.models import run

        run(as_json=as_json)
