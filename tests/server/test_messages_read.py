"""How requests are read off a connection: one behind the other, in chunks, for other protocols."""

from __future__ import annotations

import asyncio

import pytest

from tests.support.listening import Listening, chat, listening

HEAD = b"POST /v1/chat/completions HTTP/1.1\r\nhost: test\r\n"
CHUNKED = HEAD + b"content-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n"
PROBE = b"GET /health HTTP/1.1\r\nhost: test\r\n\r\n"
ASKING = b"upgrade: h2c\r\nhttp2-settings: AAEAAEAA\r\n"

pytestmark = pytest.mark.model


def _chunked(trailers: bytes = b"") -> bytes:
    body = chat().partition(b"\r\n\r\n")[2]
    return CHUNKED + b"%x\r\n%s\r\n0\r\n%s\r\n" % (len(body), body, trailers)


async def _statuses(server: Listening, sent: bytes, count: int, piece: int = 65_536) -> list[int]:
    connection = await server.open()
    for at in range(0, len(sent), piece):
        await connection.send(sent[at : at + piece])
        await asyncio.sleep(0)
    return [(await connection.answer())[0] for _ in range(count)]


@pytest.mark.parametrize("piece", [1, 17, 65_536])
async def test_small_requests_one_behind_the_other_are_no_long_head(piece: int) -> None:
    async with listening(connections={"header_bytes": 1024}) as server:
        assert await _statuses(server, PROBE * 60, 60, piece) == [200] * 60
        sent = chat(user="x" * 900) + PROBE * 3
        assert await _statuses(server, sent, 4, piece) == [200] * 4


async def test_a_long_head_behind_a_small_request_is_refused() -> None:
    async with listening(connections={"header_bytes": 1024}) as server:
        connection = await server.open()
        for sent, status in ((PROBE, 200), (PROBE[:-2] + b"x: " + b"a" * 5000, 431)):
            await connection.send(sent)
            assert (await connection.answer())[0] == status


@pytest.mark.parametrize("piece", [7, 65_536])
async def test_what_stands_behind_a_body_in_chunks_is_left_out(piece: int) -> None:
    async with listening(connections={"header_bytes": 2048, "headers": 16}) as server:
        assert await _statuses(server, _chunked() + PROBE, 2, piece) == [200, 200]
        fine = _chunked(b"x-sum: 1\r\n" * 16)
        assert await _statuses(server, fine + fine, 2, piece) == [200, 200]


async def test_so_many_lines_behind_a_body_are_refused() -> None:
    async with listening(connections={"header_bytes": 2048, "headers": 16}) as server:
        assert await _statuses(server, _chunked(b"x-sum: 1\r\n" * 17), 1) == [431]


@pytest.mark.parametrize("begun", [b"0\r\nx-sum: ", b"1;extension="])
async def test_a_line_in_chunks_that_does_not_end_is_refused(begun: bytes) -> None:
    async with listening(connections={"header_bytes": 2048}) as server:
        connection = await server.open()
        for sent in (CHUNKED + begun, b"a" * 1500, b"a" * 600):
            await connection.send(sent)
            await asyncio.sleep(0.05)  # so that it is read by itself
        assert (await connection.answer())[0] == 431


@pytest.mark.parametrize(("extension", "status"), [(b";x=" + b"a" * 500, 431), (b"", 200)])
async def test_what_chunks_say_of_themselves_is_bounded_over_all_of_them(
    extension: bytes, status: int
) -> None:
    body = chat(user="x" * 2000).partition(b"\r\n\r\n")[2]
    async with listening(connections={"header_bytes": 2048}) as server:
        connection = await server.open()
        await connection.send(CHUNKED)
        await asyncio.sleep(0.05)  # so that it is read by itself
        chunks = b"".join(b"1%s\r\n%c\r\n" % (extension, each) for each in body)
        sent = chunks[:4000] if extension else chunks + b"0\r\n\r\n"
        for at in range(0, len(sent), 1000):
            await connection.send(sent[at : at + 1000])
            await asyncio.sleep(0)
        assert (await connection.answer())[0] == status


@pytest.mark.parametrize("piece", [1, 9, 65_536])
@pytest.mark.parametrize(
    "head",
    [
        b"POST /v1/chat/completions HTTP/1.1\r\nconnection: close, Upgrade, HTTP2-Settings\r\n",
        b"POST /v1/chat/completions HTTP/1.0\r\nconnection: Upgrade\r\n",
    ],
)
async def test_a_last_request_that_asks_for_another_protocol_is_answered(
    head: bytes, piece: int
) -> None:
    asked = chat().partition(b"\r\n")[2]
    async with listening() as server:
        assert await _statuses(server, head + ASKING + asked, 1, piece) == [200]
