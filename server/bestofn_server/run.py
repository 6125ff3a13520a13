"""The running server: its socket and its signals, start-up and draining."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import signal
import socket
from collections.abc import Callable, Iterator

import uvicorn
from fastapi import FastAPI

from bestofn.builders.pipeline import open_pipeline
from bestofn.core.errors import ConfigError
from bestofn.settings.settings import Settings
from bestofn_server.app import create_app
from bestofn_server.http.auth import ApiKeys
from bestofn_server.service.service import Service
from bestofn_server.telemetry.logs import set_up_logs
from bestofn_server.telemetry.tracing import tracer_provider

logger = logging.getLogger(__name__)


async def serve(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT, then let the running requests end.

    The address is taken before the models are loaded, and answers once they are. SIGHUP reads the
    key file again.

    Raises:
        ConfigError: the address is taken, a setting is wrong, or a model cannot be loaded.
        KeyboardInterrupt: it was SIGINT that ended it.
    """
    set_up_logs(settings.server.log_format)
    keys = ApiKeys(settings.server.api_keys, settings.server.api_key_file)
    with _bound(settings.server.host, settings.server.port) as address:
        logger.info("loading the models")
        with tracer_provider() as spans:
            async with open_pipeline(settings) as pipeline:
                app = create_app(settings, pipeline, keys=keys, tracer_provider=spans)
                server = _Server(app, settings)
                gc.collect()
                gc.freeze()  # what is loaded stays: no collection has to walk through it
                with _signals(server, keys):
                    await server.serve(sockets=[address])
    if server.interrupted:
        raise KeyboardInterrupt


class _Server(uvicorn.Server):
    """uvicorn's server, stopped by `stop` instead of by its own signal handlers."""

    def __init__(self, app: FastAPI, settings: Settings) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                log_config=None,
                access_log=False,
                lifespan="on",
                timeout_graceful_shutdown=round(settings.server.drain_seconds),
            )
        )
        self._app = app
        self.interrupted = False

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals alone."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, and say where."""
        await super().startup(sockets)
        if not self.started:
            return
        host, port = self.servers[0].sockets[0].getsockname()[:2]
        where = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        service: Service = self._app.state.bestofn
        logger.info("%s is served on http://%s/v1", service.presets.default.name, where)

    def stop(self) -> None:
        """Take nothing on any more, and end when what runs has ended."""
        if not self.should_exit:
            service: Service = self._app.state.bestofn
            service.admission.closed = True
            logger.info("stopping: %d requests are running", service.admission.requests)
        self.should_exit = True

    def interrupt(self) -> None:
        """The same; asked a second time, end at once."""
        self.force_exit = self.interrupted
        self.interrupted = True
        self.stop()


@contextlib.contextmanager
def _signals(server: _Server, keys: ApiKeys) -> Iterator[None]:
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
