"""Bodies of requests while they are read: bytes of one, and of all at once."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from starlette.requests import Request
from starlette.types import Receive, Scope

from bestofn_server.errors import (
    CompressedBodyError,
    InvalidBodyError,
    OverloadedError,
    TooLargeError,
)
from bestofn_server.http.json_body import read_json

_JSON = "application/json"


class Bodies:
    """What is being read now.

    Args:
        each: bytes that one body may have.
        together: bytes that all may have that are not parsed yet.
    """

    def __init__(self, each: int, together: int) -> None:
        self._each = each
        self._together = together
        self._held = 0

    async def read(self, request: Request) -> Request:
        """The request with its body read and parsed; one without a body as it is.

        Raises:
            TooLargeError: it is above the limit; nothing more is read.
            OverloadedError: too much is being read.
            CompressedBodyError: it is said to be compressed.
            InvalidBodyError: it is not said to be JSON, or is none that this server takes.
            starlette.requests.ClientDisconnect: the client hung up on the way.
        """
        said = request.headers.get("content-length", "")
        if said.isdecimal() and int(said[:20]) > self._each:
            raise TooLargeError(f"the body is above {self._each:,} bytes")
        with contextlib.ExitStack() as held:
            pieces = []
            taken = 0
            async for piece in request.stream():
                taken += len(piece)
                if taken > self._each:
                    raise TooLargeError(f"the body is above {self._each:,} bytes")
                held.enter_context(self._holding(len(piece)))
                pieces.append(piece)
            body = b"".join(pieces)
            del pieces
            if not body:
                return ReadRequest(request.scope, request.receive, body, None)
            _check_encoding(request.headers.getlist("content-encoding"))
            _check_type(request.headers.get("content-type", ""))
            return ReadRequest(request.scope, request.receive, b"read", await read_json(body))

    @contextlib.contextmanager
    def _holding(self, count: int) -> Iterator[None]:
        if self._held + count > self._together:
            raise OverloadedError("too many bodies are being read: try again later", retry_after=1)
        self._held += count
        try:
            yield
        finally:
            self._held -= count


class ReadRequest(Request):
    """A request whose body has been read: FastAPI asks it for what is there.

    Args:
        scope, receive: as the request's.
        body: what it counts as; empty: there is none.
        value: what it says.
    """

    def __init__(self, scope: Scope, receive: Receive, body: bytes, value: Any) -> None:
        super().__init__(scope, receive)
        self._read = body
        self._value = value

    async def body(self) -> bytes:
        """Whether there is one, for whoever asks before `json`."""
        return self._read

    async def json(self) -> Any:
        """What it says."""
        return self._value


def _check_encoding(said: list[str]) -> None:
    """Refuse what is compressed.

    Raises:
        CompressedBodyError: it is.
    """
    codings = {each.strip().lower() for line in said for each in line.split(",")}
    if codings - {"", "identity"}:
        raise CompressedBodyError


def _check_type(said: str) -> None:
    """Refuse what is not said to be JSON: a page of a browser may send any other type to another
    host without asking, so a guess would open a server without keys to every page.

    Raises:
        InvalidBodyError: it is not.
    """
    kind = said.partition(";")[0].strip().lower()
    if kind == _JSON or (kind.startswith("application/") and kind.endswith("+json")):
        return
    what = f"the body is said to be {kind[:64]!r}" if kind else "the request has no content type"
    raise InvalidBodyError(
        f"{what}: send JSON with the header Content-Type: {_JSON}", code="invalid_content_type"
    )
