"""Responses of other servers, no longer than a limit: counted while they are read and unpacked.

A few hundred kilobytes of gzip unpack to gigabytes, so what is counted is what comes out, a piece
at a time. Only what httpx need not unpack itself is asked for.
"""

from __future__ import annotations

import zlib
from collections.abc import AsyncIterator, Callable, Iterator, Mapping

import httpx

PIECE = 2**16
"""Bytes that are unpacked at once."""

ACCEPTED = "gzip, deflate"
"""What requests say that they can read."""

_PLAIN = ("", "identity")
_GZIP = zlib.MAX_WBITS | 16
_UNPACK: Mapping[str, Callable[[], zlib._Decompress]] = {
    "gzip": lambda: zlib.decompressobj(_GZIP),
    "x-gzip": lambda: zlib.decompressobj(_GZIP),
    "deflate": zlib.decompressobj,
}


class OversizedError(httpx.DecodingError):
    """The body is longer than the limit."""


class BoundedTransport(httpx.AsyncBaseTransport):
    """A transport whose responses end with `OversizedError` beyond a limit.

    Args:
        inner: sends the requests.
        most: bytes of one body, unpacked; of an event stream, of one event.
    """

    def __init__(self, inner: httpx.AsyncBaseTransport, most: int) -> None:
        self._inner = inner
        self._most = most

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """The response, whose stream is unpacked and counted."""
        request.headers["accept-encoding"] = ACCEPTED
        response = await self._inner.handle_async_request(request)
        headers = response.headers
        packed = headers.get("content-encoding", "identity").strip().lower()
        if packed not in _PLAIN:  # httpx must not unpack it a second time
            for said in ("content-encoding", "content-length"):
                headers.pop(said, None)
        assert isinstance(response.stream, httpx.AsyncByteStream)
        events = headers.get("content-type", "").lower().startswith("text/event-stream")
        response.stream = _BoundedStream(response.stream, packed, self._most, events=events)
        return response

    async def aclose(self) -> None:
        """Close the connections."""
        await self._inner.aclose()


class _BoundedStream(httpx.AsyncByteStream):
    def __init__(
        self, inner: httpx.AsyncByteStream, packed: str, most: int, *, events: bool
    ) -> None:
        self._inner = inner
        self._packed = packed
        self._most = most
        self._events = events

    async def __aiter__(self) -> AsyncIterator[bytes]:
        plain = self._packed in _PLAIN
        if not plain and self._packed not in _UNPACK:
            raise httpx.DecodingError("the body is packed in a way that was not asked for")
        unpacker = None if plain else _UNPACK[self._packed]()
        length, last = 0, b""
        async for raw in self._inner:
            for piece in [raw] if unpacker is None else _pieces(unpacker, raw):
                length += len(piece)
                if self._events and (after := _after_event(last + piece)) is not None:
                    length = after
                last = piece[-3:]
                if length > self._most:
                    raise OversizedError(f"the body is above {self._most:,} bytes")
                yield piece
        if unpacker is not None and not unpacker.eof:
            raise httpx.DecodingError("the packed body is cut off")

    async def aclose(self) -> None:
        await self._inner.aclose()


def _after_event(text: bytes) -> int | None:
    """How many bytes follow the blank line that ends the last event; None: none ends."""
    ends = [text.rfind(blank) for blank in (b"\n\n", b"\r\n\r\n", b"\r\r")]
    return len(text) - max(ends) if max(ends) >= 0 else None


def _pieces(unpacker: zlib._Decompress, raw: bytes) -> Iterator[bytes]:
    """What `raw` unpacks to, no more than `PIECE` bytes at a time."""
    try:
        while raw and not unpacker.eof:
            if piece := unpacker.decompress(raw, PIECE):
                yield piece
            elif not unpacker.unconsumed_tail:
                return
            raw = unpacker.unconsumed_tail
    except zlib.error as error:
        raise httpx.DecodingError("the packed body is broken") from error
