"""`bestofn serve`: from settings to a running server."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand

from bestofn.cli.options import (
    AnswerKeyOption,
    ChatTemplateOption,
    ConfigOption,
    GeneratorOption,
    RewardModelOption,
    SelectorOption,
    ServeEngineOption,
    TrustOption,
    UnsafeCodeOption,
    UpstreamOption,
    VerboseOption,
    at_home,
    check_served,
    named,
    trusting,
)
from bestofn.cli.running import exit_codes, run_to_end
from bestofn.core.errors import ConfigError
from bestofn.settings.choices import LogFormat

if TYPE_CHECKING:
    from bestofn.settings.settings import Settings


class TakesEngineFlags(TyperCommand):
    """Hands everything after ``--`` to the engine, whatever it looks like."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Take the engine's flags out into ``ctx.obj``; None: there is no ``--``."""
        own, separator, rest = args, "", []
        if "--" in args:
            at = args.index("--")
            own, separator, rest = args[:at], args[at], args[at + 1 :]
        ctx.obj = rest if separator else None
        return super().parse_args(ctx, own)


def serve(
    context: typer.Context,
    model: Annotated[
        str | None,
        typer.Argument(help="Folder or hub name. Without: the embedded one.", show_default=False),
    ] = None,
    reward_model: RewardModelOption = None,
    trust_remote_code: TrustOption = None,
    unsafe_code: UnsafeCodeOption = None,
    best_of: Annotated[
        int | None, typer.Option(min=1, help="Sampled for a request that does not say. [8]")
    ] = None,
    upstream: UpstreamOption = None,
    chat_template: ChatTemplateOption = None,
    generator: GeneratorOption = None,
    engine: ServeEngineOption = None,
    selector: SelectorOption = None,
    answer_key: AnswerKeyOption = None,
    host: Annotated[str | None, typer.Option(help="[127.0.0.1]")] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="0: any. [8000]")] = None,
    api_key: Annotated[
        list[str] | None,
        typer.Option(envvar="BESTOFN_API_KEY", help="Accept this key; may be given several times."),
    ] = None,
    api_key_file: Annotated[
        Path | None,
        typer.Option(help="One key a line; read again on SIGHUP.", parser=at_home, metavar="FILE"),
    ] = None,
    no_auth: Annotated[
        bool, typer.Option("--no-auth", help="Let everybody in, on an address others reach too.")
    ] = False,
    log_format: Annotated[LogFormat | None, typer.Option(help="Its form. \\[text]")] = None,
    config: ConfigOption = None,
    verbose: VerboseOption = False,
) -> None:
    """Serve OpenAI's API, each answer the best of several."""
    with exit_codes():
        from bestofn.settings.settings import Settings

        server = {
            "host": host,
            "port": port,
            "api_keys": api_key or None,
            "api_key_file": api_key_file,
            "no_auth": no_auth or None,
            "log_format": log_format,
        }
        settings = Settings.load(
            config,
            model=model,
            reward_model=reward_model,
            reward=trusting(trust_remote_code),
            selector=named(selector),
            answer_key=named(answer_key),
            unsafe_code=unsafe_code,
            best_of=best_of,
            upstream=upstream or None,
            chat_template=chat_template,
            generators=generator or None,
            engine=engine,
            engine_args=context.obj,
            server={name: value for name, value in server.items() if value is not None},
        )
        check_served(settings)
        run_to_end(_serve(settings, verbose=verbose), _loop_factory())


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """The faster event loop, where it is installed: it does not exist for Windows."""
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop


async def _serve(settings: Settings, *, verbose: bool) -> None:
    """Serve until a signal ends it; see `bestofn_server.run.serve`.

    Raises:
        BestOfNError: as `bestofn_server.run.serve`; also ConfigError, the extra is not installed.
        KeyboardInterrupt: it was SIGINT that ended it.
    """
    if not verbose:
        from bestofn.cli.console import set_quiet

        set_quiet()
    try:
        from bestofn_server.run import serve
    except ImportError as error:
        raise ConfigError(f"the server needs the extra `server` ({error})") from error
    await serve(settings)
