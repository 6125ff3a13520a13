"""One connection of the server: uvicorn's HTTP protocol, with a bound on what a client may hold.

uvicorn (0.54) limits the time between two requests and nothing else: headers of any size are
gathered (httptools has no limit), half a request is waited for without an end, and so is a client
that does not read. Here every state that waits for the client has its own time-out:

    state       waits for                       ends with
    head        the headers                     431 above their bytes or number; 408, closed
    body        the rest of the body            408, closed
    idle        the next request                closed
    blocked     the client to read on           aborted, which cancels the request

What ends a request that waits behind others ends the connection once those are answered.

Above so many connections only probes are answered (`PROBES`), so that an orchestrator does not take
a busy server for a dead one.
"""

from __future__ import annotations

import asyncio
from typing import Any

from starlette.types import Receive, Scope, Send
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle
from uvicorn.server import ServerState

from bestofn.settings.server_limits import ConnectionSettings
from bestofn_server.errors import (
    ApiError,
    HeadersTooLargeError,
    InvalidBodyError,
    SlowClientError,
)
from bestofn_server.http.reading import NoMoreError, ReadingProtocol
from bestofn_server.http.refusals import Refusal, Unless, raw, too_many

PROBES = frozenset({"/health", "/ready", "/ping", "/metrics"})
"""Paths that are answered above the limit on connections too."""

SPARE = 64
"""Connections above the limit that are taken to answer a probe, or to say that there are too many;
beyond them a connection is closed unanswered."""

CHUNK_LINES = 16
"""Bytes of a chunk that are no part of the body: its length, and the ends of two lines."""


class BoundedProtocol(ReadingProtocol):
    """See the module.

    Args:
        config, server_state, app_state, _loop: uvicorn's.
        limits: what a client may hold.
    """

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
        *,
        limits: ConnectionSettings,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._limits = limits
        self._in_head = True
        self._begun = False  # whether anything of the head is here
        self._room = limits.header_bytes
        self._heads = 0  # of requests that were read to their end
        self._trailers = 0  # lines behind a body in chunks
        self._unread = 0  # bytes behind a head that are no part of the body
        self._waits: asyncio.TimerHandle | None = None
        self._blocked: asyncio.TimerHandle | None = None
        self._ends: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take the connection, if it is not one too many."""
        super().connection_made(transport)
        if len(self.connections) > self._limits.most + SPARE:
            transport.abort()
            return
        self._wait(self._limits.header_seconds)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget it."""
        self._unblock()
        self._wait(None)
        if self._ends is not None:
            self._ends.cancel()
        super().connection_lost(exc)
        self._unset_keepalive_if_required()

    def data_received(self, data: bytes) -> None:
        """Read on, as far as the headers have room."""
        if self._deaf:
            return
        if self._in_head:
            if not self._begun:
                data = data.lstrip(b"\r\n")  # some clients end a body with a line
            while self._in_head and len(data) > self._room:
                head, data, before = data[: self._room], data[self._room :], self._heads
                self._room = 0
                self._feed(head)
                if self._in_head and self._heads == before:  # not that of a pipelined request
                    self._refuse_headers()
                if self._deaf or self.transport.is_closing():
                    return
            self._room -= len(data)
        else:
            self._unread += len(data)
        self._feed(data)
        if not self._in_head and self._unread > self._limits.header_bytes:
            self._refuse_headers()
        self._watch()

    def on_message_begin(self) -> None:
        """A request begins."""
        self._begun = True
        super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take it, unless it stands behind the body: what is said there nobody reads."""
        if self._in_head:
            super().on_header(name, value)
            return
        self._trailers += 1
        if self._trailers > self._limits.headers:
            self._refuse_headers()
            raise NoMoreError

    def on_chunk_header(self) -> None:
        """A part of the body follows."""
        self._unread = max(0, self._unread - CHUNK_LINES)

    def on_body(self, body: bytes) -> None:
        """Hand a part of the body on."""
        self._unread = max(0, self._unread - len(body))
        super().on_body(body)

    def on_response_complete(self) -> None:
        """Go on to the next request, or close."""
        super().on_response_complete()
        if self.transport.is_closing() and self.transport.get_write_buffer_size():
            self._abort_later()
        self._watch()

    def send_400_response(self, msg: str) -> None:
        """Say that this is no HTTP."""
        self._end(InvalidBodyError(msg, code="invalid_http"))

    def pause_writing(self) -> None:
        """The client does not read, and what was to be sent waits."""
        super().pause_writing()
        self._unblock()
        self._blocked = self.loop.call_later(self._limits.write_seconds, self.transport.abort)

    def resume_writing(self) -> None:
        """It has read on."""
        self._unblock()
        super().resume_writing()

    def timeout_keep_alive_handler(self) -> None:
        """Close it after an idle time."""
        super().timeout_keep_alive_handler()
        self._abort_later()

    def shutdown(self) -> None:
        """Close it once what it is answering is answered."""
        super().shutdown()
        if self.transport.is_closing():
            self._abort_later()

    def _head_read(self, app: Any) -> Any:
        self._in_head = False
        self._trailers = self._unread = 0
        self._wait(None)
        limits = self._limits
        if len(self.headers) > limits.headers or self._head_bytes > limits.header_bytes:
            return Refusal(HeadersTooLargeError(self._too_large()))
        if len(self.connections) > limits.most:
            return Unless(PROBES, app, too_many())
        return app

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        """Begin to answer, and to wait for what is not here of its body."""
        if cycle is self.cycle and cycle.more_body:
            self._wait(self._limits.body_seconds)

        async def answer(scope: Scope, receive: Receive, send: Send) -> None:
            try:
                await app(scope, receive, send)
            finally:
                self.loop.call_soon(self._app_ended)

        super()._start_asgi_task(cycle, answer)

    def _app_ended(self) -> None:
        """uvicorn closes where the app fails in the midst of its answer."""
        if self in self.connections and self.transport.is_closing():
            self._abort_later()

    def _message_read(self) -> None:
        self._wait(None)
        self._in_head, self._begun, self._room = True, False, self._limits.header_bytes
        self._heads += 1

    def _refuse_headers(self) -> None:
        self._end(HeadersTooLargeError(self._too_large()))

    def _too_large(self) -> str:
        limits = self._limits
        return (
            f"the request has more than {limits.header_bytes:,} bytes or {limits.headers:,} lines "
            "of headers"
        )

    def _wait(self, seconds: float | None) -> None:
        """Wait for the client so long, instead of what was waited for before."""
        if self._waits is not None:
            self._waits.cancel()
            self._waits = None
        if seconds is not None:
            self._waits = self.loop.call_later(seconds, self._waited)

    def _watch(self) -> None:
        """Wait for the rest of a head, or the next request, where nothing else is waited for."""
        if not self._in_head or self._answering or self._waits is not None:
            return
        if self._deaf or self.transport.is_closing():
            return
        if self._begun:
            self._unset_keepalive_if_required()
            self._wait(self._limits.header_seconds)
        elif self.timeout_keep_alive_task is None:  # the answer came before the end of the body
            self.timeout_keep_alive_task = self.loop.call_later(
                self.timeout_keep_alive, self.timeout_keep_alive_handler
            )

    def _waited(self) -> None:
        self._waits = None
        if self._in_head and not self._begun:
            self._close()  # nothing has come that could be answered
        else:
            self._end(SlowClientError("the request did not come in time"))

    def _end(self, error: ApiError) -> None:
        """Answer what is being read below the app, and close; or, where others are before it,
        close behind them."""
        read = self._reading
        if self._end_before(read):
            self._wait(None)
        elif read is None or not read.response_started:
            if not self.transport.is_closing():
                self.transport.write(raw(error))
            self._close()
        elif read.response_complete:
            self._close()
        else:
            self.transport.abort()

    def _close(self) -> None:
        self.transport.close()
        self._abort_later()

    def _abort_later(self) -> None:
        """What is not read within the time to write is thrown away with its connection."""
        if self._ends is None:
            self._ends = self.loop.call_later(self._limits.write_seconds, self.transport.abort)

    def _unblock(self) -> None:
        if self._blocked is not None:
            self._blocked.cancel()
            self._blocked = None
