"""The listening server: bounded connections, draining, and the end when the engine dies.

SIGTERM        nothing is taken on: requests get 503, and so does /ready
drain_seconds  what runs by then ends: a request with 503, a stream with an error event
the end        connections are closed, and the process ends with 0, 130 or, engine dead, 1
"""

from __future__ import annotations

import contextlib
import functools
import logging
import socket
import time
from collections.abc import Callable, Iterator

import uvicorn
from fastapi import FastAPI

from bestofn.settings.sections import ServerSettings
from bestofn_server.http.connection import SPARE, BoundedProtocol
from bestofn_server.http.open_files import affordable
from bestofn_server.service.service import Service

logger = logging.getLogger(__name__)

LAST_ANSWERS = 3
"""Seconds for answers to be sent and connections to be closed, once nothing is computed for them
any more."""


class Listener(uvicorn.Server):
    """uvicorn's server, stopped by `stop` instead of by its own signal handlers.

    Args:
        app: what answers; its `state.bestofn` is the service.
        settings: where it listens, and what it grants.
        engine_died: called once where the engine has died, before anything is closed.

    Attributes:
        interrupted: whether it was SIGINT that ended it.
        engine_died: whether it was that.
    """

    def __init__(
        self,
        app: FastAPI,
        settings: ServerSettings,
        engine_died: Callable[[], None] = lambda: None,
    ) -> None:
        limits = affordable(settings.connections)
        protocol = functools.partial(BoundedProtocol, limits=limits)
        super().__init__(
            uvicorn.Config(
                app,
                http=protocol,  # type: ignore[arg-type]  # what makes a protocol
                ws="none",
                log_config=None,
                access_log=False,
                lifespan="on",
                timeout_keep_alive=limits.idle_seconds,  # type: ignore[arg-type]  # of call_later
                timeout_graceful_shutdown=LAST_ANSWERS,
                backlog=limits.most + SPARE,
            )
        )
        self._app = app
        self._tell_death = engine_died
        self._drain_seconds = settings.drain_seconds
        self._drained_at: float | None = None
        self.interrupted = False
        self.engine_died = False

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
        logger.info("%s is served on http://%s/v1", self._service.presets.default.name, where)

    async def on_tick(self, counter: int) -> bool:
        """Ten times a second: see whether it is time to end."""
        service = self._service
        if service.pipeline.engine_is_dead and not self.engine_died:
            logger.error("the engine has died: the server ends")
            self.engine_died = True
            self._tell_death()
            self._close(0)
        if self._drained_at is not None:
            late = time.monotonic() - self._drained_at
            if late >= 0:
                service.clock.end()
            if not service.admission.requests or late > LAST_ANSWERS:
                self.should_exit = True
        return await super().on_tick(counter)

    def stop(self) -> None:
        """Take nothing on any more, and end when what runs has ended."""
        if self._drained_at is None:
            logger.info("stopping: %d requests are running", self._service.admission.requests)
            self._close(self._drain_seconds)

    def interrupt(self) -> None:
        """The same; asked a second time, end at once."""
        if self.interrupted:
            self.force_exit = self.should_exit = True
        self.interrupted = True
        self.stop()

    def _close(self, seconds: float) -> None:
        self._service.admission.closed = True
        self._drained_at = time.monotonic() + seconds

    @property
    def _service(self) -> Service:
        service: Service = self._app.state.bestofn
        return service
