"""The running server: its socket and its signals, from start-up to its end."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import ipaddress
import logging
import multiprocessing
import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Never

from bestofn.builders.pipeline import open_pipeline
from bestofn.core.errors import BestOfNError, ConfigError
from bestofn.settings.sections import ServerSettings
from bestofn.settings.settings import Settings
from bestofn_server.app import create_app
from bestofn_server.http.auth import ApiKeys
from bestofn_server.listener import Listener
from bestofn_server.telemetry.logs import set_up_logs
from bestofn_server.telemetry.tracing import exports

logger = logging.getLogger(__name__)

GRACE = 8.0
"""Seconds that models have to be closed in after the engine has died; then the process ends
anyhow, since who supervises it waits for that."""


async def serve(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT, then let the running requests end.

    The address is taken before the models are loaded, and answers once they are. SIGHUP reads the
    key file again.

    Raises:
        ConfigError: the address is taken, or open to others without a key; a setting is wrong, or a
            model cannot be loaded.
        BestOfNError: the engine died.
        KeyboardInterrupt: it was SIGINT that ended it.
    """
    set_up_logs(settings.server.log_format)
    keys = ApiKeys(settings.server.api_keys, settings.server.api_key_file)
    with (
        _bound(settings.server.host, settings.server.port) as address,
        ending_by_force() as engine_died,
    ):
        _refuse_open(address, keys, settings.server)
        logger.info("loading the models")
        with exports() as collected:
            async with open_pipeline(settings) as pipeline:
                app = create_app(
                    settings,
                    pipeline,
                    keys=keys,
                    tracer_provider=collected.spans,
                    logger_provider=collected.events,
                )
                server = Listener(app, settings.server, engine_died)
                gc.collect()
                gc.freeze()  # what is loaded stays: no collection has to walk through it
                with _signals(server, keys):
                    await server.serve(sockets=[address])
    if server.engine_died:
        raise BestOfNError("the engine has died, so the server has ended")
    if server.interrupted:
        raise KeyboardInterrupt


@contextlib.contextmanager
def ending_by_force() -> Iterator[Callable[[], None]]:
    """What starts the clock: unless the context ends within `GRACE` seconds, the process does."""
    ending = threading.Timer(GRACE, _end)
    ending.daemon = True
    try:
        yield ending.start
    finally:
        ending.cancel()


def _end() -> Never:
    """End this process and its children, whatever they are doing."""
    for child in multiprocessing.active_children():
        child.kill()
    os._exit(1)


@contextlib.contextmanager
def _signals(server: Listener, keys: ApiKeys) -> Iterator[None]:
    """SIGTERM and SIGINT stop, SIGHUP reloads the keys; afterwards all is as it was."""

    def reload() -> None:
        try:
            keys.reload()
            logger.info("the API keys were read again")
        except ConfigError as error:
            logger.error("the API keys stay as they were: %s", error)

    handlers: dict[str, Callable[[], None]] = {
        "SIGTERM": server.stop,
        "SIGINT": server.interrupt,
        "SIGHUP": reload,
    }
    loop = asyncio.get_running_loop()
    known = {getattr(signal, name): f for name, f in handlers.items() if hasattr(signal, name)}
    before = {number: signal.getsignal(number) for number in known}
    for number, handler in known.items():
        try:
            loop.add_signal_handler(number, handler)
        except NotImplementedError:  # Windows: its loop knows no signals
            signal.signal(number, lambda *_, h=handler: loop.call_soon_threadsafe(h))
    try:
        yield
    finally:
        for number, handler_before in before.items():
            with contextlib.suppress(NotImplementedError):
                loop.remove_signal_handler(number)
            signal.signal(number, handler_before)


@contextlib.contextmanager
def _bound(host: str, port: int) -> Iterator[socket.socket]:
    """A socket on that address, which does not listen yet.

    Raises:
        ConfigError: there is no such address here, or it is taken.
    """
    try:
        family, kind, protocol, _, where = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        address = socket.socket(family, kind, protocol)
    except OSError as error:
        raise ConfigError(f"{host}: {error.strerror or error}") from error
    with address:
        try:
            address.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            address.bind(where)
        except OSError as error:
            raise ConfigError(f"cannot serve on {host}:{port}: {error.strerror}") from error
        yield address


def _refuse_open(address: socket.socket, keys: ApiKeys, settings: ServerSettings) -> None:
    """Refuse to serve everybody on an address that others reach, unless that is what is asked for.

    Raises:
        ConfigError: nothing guards it.
    """
    host = ipaddress.ip_address(address.getsockname()[0].partition("%")[0])
    if not (host.is_loopback or keys.guarded or settings.no_auth):
        raise ConfigError(
            f"{settings.host} can be reached from other machines, and no API key is set: give "
            "--api-key-file or --api-key, or --no-auth to let everybody in"
        )
