"""How requests are read off a connection: uvicorn's HTTP protocol, for those that wait behind
others and those that ask for another protocol.

A request that comes before an earlier one is answered waits behind it, as many as `PIPELINED` and
`WAITING_BYTES` say; uvicorn (0.54) queues as many as come. It reads nothing while one waits, so
that it does not see a client hang up, and takes the newest request for the one that it answers.

A request that asks for another protocol is read as one that does not (`http/upgrade.py`); uvicorn
takes what is behind its head, its body, for the next request, and advises to install WebSockets.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

import httptools
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from bestofn_server.http.upgrade import head_without_upgrade

PIPELINED = 128
"""Requests that wait on one connection behind the one that is answered. What follows them is not
read, and the connection ends with the last of them, so that a client asks for the rest again."""

WAITING_BYTES = 2**17
"""Of all that wait on one connection, heads and bodies; the same holds beyond them. As many as the
bodies that are read at once may have in all, if all 1,024 connections hold so much."""


class ReadingProtocol(HttpToolsProtocol):
    """See the module.

    A subclass hears of each head and of each message in `_head_read` and `_message_read`.

    Args:
        config, server_state, app_state, _loop: uvicorn's.
    """

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._answered: RequestResponseCycle | None = None  # `cycle` is the newest that came
        self._reading: RequestResponseCycle | None = None  # whose body comes
        self._waiting: dict[RequestResponseCycle, int] = {}  # the bytes of each in the pipeline
        self._waiting_bytes = 0
        self._deaf = False  # nothing more is read

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget it, and tell what is being answered."""
        self.pipeline.clear()
        self._waiting.clear()
        if self._answered is not None and not self._answered.response_complete:
            self._answered.disconnected = True
            self._answered.message_event.set()
        super().connection_lost(exc)

    def on_headers_complete(self) -> None:
        """Have it answered, or wait."""
        if self._upgrades:
            return  # it comes again, see `_feed`
        if len(self.pipeline) == PIPELINED:
            self._end_behind(self.pipeline[0][0])
            raise NoMoreError
        app = self.app
        self.app = self._head_read(app)
        try:
            super().on_headers_complete()
        finally:
            self.app = app
        self._reading = self.cycle
        if self.pipeline:
            self._waiting[self.cycle] = 0
            self._wait_with(self._head_bytes)

    def on_body(self, body: bytes) -> None:
        """Hand a part of the body on."""
        super().on_body(body)
        if self.cycle in self._waiting:
            self._wait_with(len(body))

    def on_message_complete(self) -> None:
        """All of the request is here."""
        if not self._upgrades:
            self._message_read()
            super().on_message_complete()
            self._reading = None

    @property
    def _answering(self) -> bool:
        return self._answered is not None and not self._answered.response_complete

    def _head_read(self, app: Any) -> Any:
        """The app that answers a request whose head is here."""
        return app

    def _message_read(self) -> None:
        """A request is here to its end."""

    @property
    def _head_bytes(self) -> int:
        """Of the head that was read last."""
        return len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self._answered = cycle
        self._waiting_bytes -= self._waiting.pop(cycle, 0)
        super()._start_asgi_task(cycle, app)

    def _wait_with(self, more: int) -> None:
        """The newest request, which waits, is longer by so many bytes."""
        self._waiting[self.cycle] += more
        self._waiting_bytes += more
        if self._waiting_bytes > WAITING_BYTES:
            self._end_before(self.cycle)
            raise NoMoreError
        self.flow.resume_reading()  # else it would not be seen that the client hangs up

    def _end_before(self, waits: RequestResponseCycle | None) -> bool:
        """Leave a request out that is read and waits, or (None) whose head is no more; whether
        others are before it, behind which the connection then ends."""
        newest = self.pipeline[0][0] if self.pipeline else None
        if newest is not None and newest is waits:
            self.pipeline.popleft()
            self._waiting_bytes -= self._waiting.pop(newest, 0)
        last = self.pipeline[0][0] if self.pipeline else self._answered
        if last is None or last is waits or last.response_complete:
            return False
        self._end_behind(last)
        return True

    def _end_behind(self, last: RequestResponseCycle) -> None:
        """Close the connection behind this answer, and read nothing more."""
        last.keep_alive = False
        self._deaf = True
        self.flow.resume_reading()  # what comes is thrown away, and a hang-up is seen

    def _feed(self, data: bytes) -> None:
        """Have it parsed, in place of uvicorn's `data_received`."""
        if not data or self._deaf or self.transport.is_closing():
            return
        self._unset_keepalive_if_required()
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
            if self._deaf or self.transport.is_closing():
                return
            message = "Invalid HTTP request received."
            self.logger.warning(message)
            self.send_400_response(message)

    @property
    def _upgrades(self) -> bool:
        """Whether what is parsed asks for another protocol, and is not a proxy's CONNECT."""
        return self.parser.should_upgrade() and self.parser.get_method() != b"CONNECT"


class NoMoreError(Exception):
    """Raised where the parser calls: it stops there, since nothing more is read."""


def _parser_for(protocol: HttpToolsProtocol) -> Any:
    """A parser as uvicorn makes it: what follows a last request is left unread, and no error."""
    parser = httptools.HttpRequestParser(protocol)
    with contextlib.suppress(AttributeError):  # httptools before 0.6.3 has no other way
        parser.set_dangerous_leniencies(lenient_data_after_close=True)
    return parser
