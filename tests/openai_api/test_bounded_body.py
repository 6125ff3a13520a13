"""Bodies of other servers: long, packed, endless; none freezes the loop or fills the memory."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import gzip
import io
import resource
import time
import zlib
from collections.abc import AsyncIterator

import httpx
import pytest

from bestofn.core.no_winner import GeneratorError
from bestofn.openai_api.bounded_body import BoundedTransport, OversizedError
from bestofn.openai_api.client import ApiClient
from bestofn.openai_api.completions import read_completion
from bestofn.openai_api.connection import MOST_BYTES, open_http
from bestofn.support.plain_json import MOST_VALUES, read_beside

LIMIT = 2**20
GOOD = b'{"choices": [{"message": {"content": "good"}, "finish_reason": "stop"}]}'


def _bomb(size: int) -> bytes:
    """So many bytes of a JSON text, packed to a thousandth."""
    packed = io.BytesIO()
    with gzip.GzipFile(fileobj=packed, mode="wb") as out:
        out.write(b'{"choices": [{"message": {"content": "')
        for _ in range(size // 2**20):
            out.write(b"a" * 2**20)
    return packed.getvalue()


@contextlib.asynccontextmanager
async def _server(
    *pieces: bytes, packed: str = "", kind: str = "application/json"
) -> AsyncIterator[str]:
    """A server that answers every request with these bytes, for ever the last; its URL."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            await reader.readuntil(b"\r\n\r\n")
            head = f"HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\nconnection: close\r\n"
            head += f"content-encoding: {packed}\r\n" if packed else ""
            writer.write(head.encode() + b"\r\n")
            for piece in pieces:
                writer.write(piece)
                await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1") as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


class Lag:
    """The longest time for which the event loop did nothing else, in seconds of this process's own
    work: what other processes do does not count."""

    def __init__(self) -> None:
        self.longest = 0.0

    async def watch(self) -> None:
        """Look at the clock every 5 ms."""
        while True:
            before = time.process_time()
            await asyncio.sleep(0.005)
            self.longest = max(self.longest, time.process_time() - before)


@contextlib.asynccontextmanager
async def _lag() -> AsyncIterator[Lag]:
    gc.collect()
    gc.freeze()  # as the server does: what the other tests have loaded is not walked through
    lag = Lag()
    watch = asyncio.create_task(lag.watch())
    try:
        yield lag
    finally:
        watch.cancel()
        gc.unfreeze()


@pytest.mark.long
async def test_a_bomb_of_small_size_costs_neither_time_nor_memory() -> None:
    bomb = _bomb(128 * 2**20)
    assert len(bomb) < 2**18
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    async with _server(bomb, packed="gzip") as url, open_http(url) as http, _lag() as lag:
        with pytest.raises(
            GeneratorError, match="answer is too long: the body is above 16,777,216"
        ):
            await ApiClient(http).post("chat/completions", {})
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024
    assert grown < 4 * MOST_BYTES
    assert lag.longest < 0.25


_TEXT = b'{"choices": [{"text": "'
BODIES = {
    "empty lists": b'{"choices": [' + b"[]," * (MOST_VALUES // 2 - 10) + b"[]]}",
    "too many empty lists": b'{"choices": [' + b"[]," * (MOST_BYTES // 3 - 10) + b"[]]}",
    "objects": b'{"choices": [{"text": "a", "x": [' + b'{"a":1},' * (MOST_VALUES // 4) + b"1]}]}",
    "depth": b'{"choices": ' + b"[" * (MOST_VALUES - 20),
    "numbers": b'{"choices": [' + b"1," * (MOST_VALUES // 2) + b"1]}",
    "one number": b'{"choices": [{"text": "a", "x": ' + b"9" * 2**23 + b"}]}",
    "infinities": b'{"choices": [' + b"1e999," * (MOST_VALUES // 2) + b"1]}",
    "halves of pairs": _TEXT + b"\\ud83d" * (MOST_BYTES // 6 - 20) + b'"}]}',
    "escapes": _TEXT + b"\\n" * (MOST_BYTES // 2 - 20) + b'"}]}',
    "text": _TEXT + b"a" * (MOST_BYTES - 40) + b'"}]}',
    "no Unicode": b"\xff" * (MOST_BYTES - 10),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", BODIES)
async def test_a_body_of_every_kind_is_read_or_refused_while_others_are_served(name: str) -> None:
    async with _server(BODIES[name]) as url, open_http(url) as http:
        content = await ApiClient(http).post("chat/completions", {})
        async with _lag() as lag:
            with contextlib.suppress(GeneratorError):
                await read_beside(read_completion, content)
    assert lag.longest < 0.25


async def test_what_is_sent_for_ever_ends_at_the_limit() -> None:
    lines = [b"data: " + b"a" * 2**16] * 64  # one event that never ends
    for kind in ("application/json", "text/event-stream", "text/plain"):
        async with _server(*lines, kind=kind) as url, open_http(url, most_bytes=LIMIT) as http:
            with pytest.raises(GeneratorError, match=r"too long|stream broke \(OversizedError\)"):
                async for _ in await ApiClient(http).stream("chat/completions", {}):
                    pass


async def test_a_long_stream_of_short_events_is_no_long_body() -> None:
    chunk = b'data: {"choices": [{"index": 0, "delta": {"content": "%s"}}]}\n\n' % (b"a" * 2**14)
    async with (
        _server(*[chunk] * 200, b"data: [DONE]\n\n", kind="text/event-stream") as url,
        open_http(url, most_bytes=LIMIT) as http,
    ):
        stream = await ApiClient(http).stream("chat/completions", {})
        assert len([each async for each in stream]) == 200


@pytest.mark.parametrize("blank", ["\n\n", "\r\n\r\n", "\r\r"])
async def test_an_event_ends_at_its_blank_line_wherever_a_packet_ends(blank: str) -> None:
    event = f'data: {{"choices": []}}{blank}'.encode() * 3000
    pieces = [event[at : at + 7] for at in range(0, len(event), 7)]

    async def stream() -> AsyncIterator[bytes]:
        for piece in pieces:
            yield piece

    async with _read(stream(), {"content-type": "text/event-stream"}, most=100) as body:
        assert body == event


@pytest.mark.parametrize(
    ("packed", "body"),
    [
        ("", GOOD),
        ("identity", GOOD),
        ("gzip", gzip.compress(GOOD)),
        ("x-gzip", gzip.compress(GOOD)),
        ("deflate", zlib.compress(GOOD)),
        ("GZIP", gzip.compress(GOOD)),
    ],
)
async def test_packed_bodies_are_read(packed: str, body: bytes) -> None:
    async with _server(body, packed=packed) as url, open_http(url) as http:
        assert await ApiClient(http).post("chat/completions", {}) == GOOD


@pytest.mark.parametrize(
    ("packed", "body"),
    [
        ("br", GOOD),
        ("gzip, gzip", gzip.compress(gzip.compress(GOOD))),
        ("gzip", GOOD),
        ("gzip", gzip.compress(GOOD)[:-9]),
        ("deflate", b"\x78\x9c\xff\xff"),
    ],
)
async def test_a_body_that_cannot_be_unpacked_is_a_fault_of_its_server(
    packed: str, body: bytes
) -> None:
    async with _server(body, packed=packed) as url, open_http(url) as http:
        with pytest.raises(GeneratorError, match=r"cannot be reached \(DecodingError\)"):
            await ApiClient(http, attempts=1).post("chat/completions", {})


@contextlib.asynccontextmanager
async def _read(
    stream: AsyncIterator[bytes], headers: dict[str, str], *, most: int
) -> AsyncIterator[bytes]:
    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, headers=headers, content=stream)

    transport = BoundedTransport(httpx.MockTransport(answer), most)
    async with httpx.AsyncClient(transport=transport) as http:
        yield (await http.get("http://stub")).content


async def test_the_limit_is_the_last_length_that_is_read() -> None:
    async def stream(length: int) -> AsyncIterator[bytes]:
        yield b"a" * length

    async with _read(stream(100), {}, most=100) as body:
        assert len(body) == 100
    with pytest.raises(OversizedError):
        async with _read(stream(101), {}, most=100):
            pass
