"""One connection of the server: uvicorn's HTTP protocol, with a bound on what a client may hold.

uvicorn (0.54) limits the time between two requests and nothing else: headers of any size are
gathered (httptools has no limit), half a request is waited for without an end, and so is a client
that does not read. Here every state that waits for the client has its own time-out:

    state       waits for                       ends with
    head        the headers                     431 above their bytes or number; 408, closed
    body        the rest of the body            408, closed
    idle        the next request                closed
    blocked     the client to read on           aborted, which cancels the request

A request that asks for another protocol is read as one that does not (`http/upgrade.py`); uvicorn
takes what is behind its head, its body, for the next request, and advises to install WebSockets.

Above so many connections only probes are answered (`PROBES`), so that an orchestrator does not take
a busy server for a dead one.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

import httptools
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from bestofn.settings.server_limits import ConnectionSettings
from bestofn_server.errors import (
    ApiError,
    HeadersTooLargeError,
    InvalidBodyError,
    SlowClientError,
)
from bestofn_server.http.refusals import Refusal, Unless, raw, too_many
from bestofn_server.http.upgrade import head_without_upgrade

PROBES = frozenset({"/health", "/ready", "/ping", "/metrics"})
"""Paths that are answered above the limit on connections too."""

SPARE = 64
"""Connections above the limit that are taken to answer a probe, or to say that there are too many;
beyond them a connection is closed unanswered."""


class BoundedProtocol(HttpToolsProtocol):
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
        self._room = limits.header_bytes
        self._heads = 0  # of requests that were read to their end
        self._trailers = 0  # lines behind a body in chunks
        self._unread = 0  # bytes that were no part of a body yet
        self._waits: asyncio.TimerHandle | None = None
        self._blocked: asyncio.TimerHandle | None = None

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
        super().connection_lost(exc)
        self._unset_keepalive_if_required()

    def data_received(self, data: bytes) -> None:
        """Read on, as far as the headers have room."""
        if self._in_head:
            if self._waits is None and not self._answering:  # the first bytes after an idle time
                self._wait(self._limits.header_seconds)
            while self._in_head and len(data) > self._room:
                head, data, before = data[: self._room], data[self._room :], self._heads
                self._room = 0
                self._feed(head)
                same = self._in_head and self._heads == before  # not that of a pipelined request
                if same or self.transport.is_closing():
                    self._end(HeadersTooLargeError(self._too_large()))
                    return
            self._room -= len(data)
        if not self.transport.is_closing():
            self._feed(data)
        if not self._in_head and self._unread > self._limits.header_bytes:
            self._refuse_trailers()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take it, unless it stands behind the body: what is said there nobody reads."""
        if self._in_head:
            super().on_header(name, value)
            return
        self._trailers += 1
        if self._trailers == self._limits.headers + 1:  # once, however many follow
            self._refuse_trailers()

    def on_chunk_header(self) -> None:
        """A part of the body follows."""
        self._unread = 0

    def on_body(self, body: bytes) -> None:
        """Hand a part of the body on."""
        self._unread = 0
        super().on_body(body)

    def on_headers_complete(self) -> None:
        """Answer it, or say why not."""
        if self._upgrades:
            return  # it comes again, see `_feed`
        self._in_head = False
        self._trailers = self._unread = 0
        self._wait(self._limits.body_seconds)
        app = self.app
        if len(self.headers) > self._limits.headers:
            self.app = Refusal(HeadersTooLargeError(self._too_large()))
        elif len(self.connections) > self._limits.most:
            self.app = Unless(PROBES, app, too_many())
        try:
            super().on_headers_complete()
        finally:
            self.app = app

    def on_message_complete(self) -> None:
        """All of the request is here."""
        if self._upgrades:
            return
        self._wait(None)
        self._in_head, self._room = True, self._limits.header_bytes
        self._heads += 1
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """Go on to the next request, or close."""
        super().on_response_complete()
        if self.transport.is_closing() and self.transport.get_write_buffer_size():
            self._abort_later()

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

    def _feed(self, data: bytes) -> None:
        """Have it parsed, in place of uvicorn's `data_received`."""
        self._unset_keepalive_if_required()
        self._unread += len(data)
        rest = memoryview(data)
        try:
            while rest:
                try:
                    self.parser.feed_data(rest)
                    return
                except httptools.HttpParserUpgrade as stopped:  # behind the head
                    if not self._upgrades:
                        return
                    rest = rest[stopped.args[0] :]
                    head = head_without_upgrade(
                        self.parser.get_method(),
                        self.url,
                        self.parser.get_http_version(),
                        self.headers,
                    )
                    self.parser = _parser_for(self)  # the old one reads nothing behind a `close`
                    self.parser.feed_data(head)
        except httptools.HttpParserError:
            message = "Invalid HTTP request received."
            self.logger.warning(message)
            self.send_400_response(message)

    @property
    def _upgrades(self) -> bool:
        """Whether what is parsed asks for another protocol, and is not a proxy's CONNECT."""
        return self.parser.should_upgrade() and self.parser.get_method() != b"CONNECT"

    @property
    def _answering(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _refuse_trailers(self) -> None:
        if self._answering and self.cycle.response_started:
            self.transport.abort()
        else:
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

    def _waited(self) -> None:
        self._waits = None
        if self._in_head and self._room == self._limits.header_bytes:
            self._close()  # nothing has come that could be answered
        elif self._answering and self.cycle.response_started:
            self.transport.abort()
        else:
            self._end(SlowClientError("the request did not come in time"))

    def _end(self, error: ApiError) -> None:
        """Answer below the app, and close."""
        if not self.transport.is_closing():
            self.transport.write(raw(error))
        self._close()

    def _close(self) -> None:
        self.transport.close()
        self._abort_later()

    def _abort_later(self) -> None:
        """What is not read within the time to write is thrown away with its connection."""
        self.loop.call_later(self._limits.write_seconds, self.transport.abort)

    def _unblock(self) -> None:
        if self._blocked is not None:
            self._blocked.cancel()
            self._blocked = None


def _parser_for(protocol: HttpToolsProtocol) -> Any:
    """A parser as uvicorn makes it: what follows a last request is left unread, and no error."""
    parser = httptools.HttpRequestParser(protocol)
    with contextlib.suppress(AttributeError):  # httptools before 0.6.3 has no other way
        parser.set_dangerous_leniencies(lenient_data_after_close=True)
    return parser
