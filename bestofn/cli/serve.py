"""Owns `bestofn serve`: from settings to a running server."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from bestofn.cli.console import set_quiet
from bestofn.core.errors import ConfigError
from bestofn.settings.settings import Settings


def loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """The faster event loop, where it is installed: it does not exist for Windows."""
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop


async def run(settings: Settings, *, verbose: bool) -> None:
    """Serve until a signal ends it; see `bestofn_server.run.serve`.

    Raises:
        BestOfNError: as `bestofn_server.run.serve`; also ConfigError, the extra is not installed.
        KeyboardInterrupt: it was SIGINT that ended it.
    """
    if not verbose:
        set_quiet()
    try:
        from bestofn_server.run import serve
    except ImportError as error:
        raise ConfigError(f"the server needs the extra `server` ({error})") from error
    await serve(settings)
