"""How requests are read off a connection: uvicorn's HTTP protocol, for those that wait behind
others and those that ask for another protocol.

A request that comes before an earlier one is answered waits behind it, `PIPELINED` of them; uvicorn
(0.54) queues as many as come, and reads nothing while one waits, so that it does not see a client
hang up. It takes the newest request for the one that it answers, too.

A request that asks for another protocol is read as one that does not (`http/upgrade.py`); uvicorn
takes what is behind its head, its body, for the next request, and advises to install WebSockets.
"""

from __future__ import annotations

import contextlib
from typing import Any

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from bestofn_server.http.upgrade import head_without_upgrade

PIPELINED = 128
"""Requests that wait on one connection behind the one that is answered. What follows them is not
read, and the connection ends with the last of them, so that a client asks for the rest again."""


class ReadingProtocol(HttpToolsProtocol):
    """See the module.

    A subclass hears of each head and of each message in `_head_read` and `_message_read`.
    """

    _answered: RequestResponseCycle | None = None
    """What is answered, or was last; `cycle` is what came last."""

    _deaf: bool = False
    """Whether nothing more is read."""

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget it, and tell what is being answered."""
        self.pipeline.clear()
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
            raise _DeafError
        app = self.app
        self.app = self._head_read(app)
        try:
            super().on_headers_complete()
        finally:
            self.app = app
        if self.pipeline:
            self.flow.resume_reading()

    def on_message_complete(self) -> None:
        """All of the request is here."""
        if not self._upgrades:
            self._message_read()
            super().on_message_complete()

    @property
    def _answering(self) -> bool:
        return self._answered is not None and not self._answered.response_complete

    def _head_read(self, app: Any) -> Any:
        """The app that answers a request whose head is here."""
        return app

    def _message_read(self) -> None:
        """A request is here to its end."""

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self._answered = cycle
        super()._start_asgi_task(cycle, app)

    def _end_behind(self, last: RequestResponseCycle) -> None:
        """Close the connection behind this answer, and read nothing more."""
        last.keep_alive = False
        self._deaf = True

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
        except httptools.HttpParserError as error:
            if isinstance(error.__context__, _DeafError):
                return
            message = "Invalid HTTP request received."
            self.logger.warning(message)
            self.send_400_response(message)

    @property
    def _upgrades(self) -> bool:
        """Whether what is parsed asks for another protocol, and is not a proxy's CONNECT."""
        return self.parser.should_upgrade() and self.parser.get_method() != b"CONNECT"


class _DeafError(Exception):
    """What follows is not read: the parser stops where it is."""


def _parser_for(protocol: HttpToolsProtocol) -> Any:
    """A parser as uvicorn makes it: what follows a last request is left unread, and no error."""
    parser = httptools.HttpRequestParser(protocol)
    with contextlib.suppress(AttributeError):  # httptools before 0.6.3 has no other way
        parser.set_dangerous_leniencies(lenient_data_after_close=True)
    return parser
