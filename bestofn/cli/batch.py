"""`bestofn batch`: a file of requests to a file of answers, through the server's own service."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bestofn.cli.options import (
    AnswerKeyOption,
    BestOfOption,
    ConfigOption,
    ModelOption,
    RewardModelOption,
    SelectorOption,
    ServeEngineOption,
    StopOption,
    TrustOption,
    UnsafeCodeOption,
    UpstreamOption,
    VerboseOption,
    at_home,
    named,
    trusting,
)
from bestofn.cli.running import exit_codes, run_to_end
from bestofn.core.errors import ConfigError
from bestofn.core.no_winner import GeneratorError

if TYPE_CHECKING:
    from bestofn.settings.settings import Settings

LINE_SECONDS = 10.0
"""Between lines that say how far it is."""


def batch(
    context: typer.Context,
    source: Annotated[
        Path,
        typer.Argument(
            metavar="IN.jsonl",
            help='Lines of {"custom_id", "method": "POST", "url", "body"}, as OpenAI\'s batches '
            "and `vllm run-batch` have them.",
            show_default=False,
            parser=at_home,
        ),
    ],
    target: Annotated[
        Path,
        typer.Option(
            "--output",
            "-o",
            metavar="OUT.jsonl",
            help="File of the answers; one that is there goes on.",
            show_default=False,
            parser=at_home,
        ),
    ],
    model: ModelOption = None,
    reward_model: RewardModelOption = None,
    trust_remote_code: TrustOption = None,
    unsafe_code: UnsafeCodeOption = None,
    best_of: BestOfOption = None,
    upstream: UpstreamOption = None,
    engine: ServeEngineOption = None,
    selector: SelectorOption = None,
    answer_key: AnswerKeyOption = None,
    stop: StopOption = None,
    concurrency: Annotated[
        int, typer.Option(min=1, max=4096, help="Lines that are asked at once.")
    ] = 32,
    config: ConfigOption = None,
    verbose: VerboseOption = False,
) -> None:
    """Answer a file of requests, each with the best of several; run again, it goes on."""
    with exit_codes():
        from bestofn.settings.settings import Settings, no_file
        from bestofn.support.place import place_of

        settings = Settings.load(
            config,
            model=model,
            reward_model=reward_model,
            reward=trusting(trust_remote_code),
            unsafe_code=unsafe_code,
            best_of=best_of,
            upstream=upstream or None,
            engine=engine,
            selector=named(selector),
            answer_key=named(answer_key),
            stop=stop,
            engine_args=context.obj,
        )
        if not source.is_file():
            raise ConfigError(no_file(source))
        if not source.stat().st_size:  # said before the server is loaded, which takes seconds
            raise ConfigError(f"{source}: no lines")
        place = place_of(target)
        if place == place_of(source):
            raise ConfigError(f"{target}: it is the input")
        if not place.parent.is_dir():  # also before the models are loaded
            raise ConfigError(f"{target}: there is no folder {place.parent}")
        run_to_end(_batch(source, target, settings, concurrency, verbose=verbose))


async def _batch(
    source: Path, target: Path, settings: Settings, concurrency: int, *, verbose: bool
) -> None:
    """Answer every line, and say how many were.

    Raises:
        GeneratorError: the service failed on some; the same command tries those again.
        ConfigError: some were refused, a file or a setting is wrong, or the extra is not installed.
    """
    from bestofn.cli.console import quiet_engines

    with quiet_engines(verbose) as console:
        try:
            from bestofn_server.app import create_app
            from bestofn_server.batch.runner import Tally, run_batch
            from bestofn_server.http.auth import ApiKeys
        except ImportError as error:
            raise ConfigError(f"a batch needs the extra `server` ({error})") from error

        said = time.monotonic()

        def watch(tally: Tally) -> None:
            nonlocal said
            if time.monotonic() - said >= LINE_SECONDS:
                said = time.monotonic()
                console.print(_so_far(tally), markup=False, highlight=False, soft_wrap=True)

        app = create_app(settings, keys=ApiKeys())
        try:
            tally = await run_batch(app, source, target, in_flight=concurrency, watch=watch)
        except asyncio.CancelledError:
            console.print(f"{target}: what was answered is kept; the same command goes on")
            raise
        console.print(f"{target}: {_so_far(tally)}", markup=False, highlight=False, soft_wrap=True)
    if tally.failed:
        raise GeneratorError(
            f"{tally.failed:,} of {tally.lines:,} lines failed, as their answers say; the same "
            "command asks them again"
        )
    if tally.refused:
        raise ConfigError(
            f"{tally.refused:,} of {tally.lines:,} lines were refused, as their answers say"
        )


def _so_far(tally: Any) -> str:
    kept = f", {tally.kept:,} of them before" if tally.kept else ""
    done = tally.answered + tally.refused + tally.failed
    return (
        f"{done:,} of {tally.lines:,} lines{kept}: {tally.answered:,} answered, "
        f"{tally.refused:,} refused, {tally.failed:,} failed"
    )
