"""Requests that come on one connection before an earlier one is answered."""

from __future__ import annotations

import asyncio
import time

import pytest

from bestofn.testing import FakeCompletion, FakeGenerator
from bestofn_server.http.reading import PIPELINED, WAITING_BYTES
from tests.support.listening import Connection, Listening, chat, listening

pytestmark = pytest.mark.model

HEAD = b"POST /v1/chat/completions HTTP/1.1\r\nhost: test\r\n"
PROBE = b"GET /health HTTP/1.1\r\nhost: test\r\n\r\n"
BEGUN = HEAD + b"content-type: application/json\r\ncontent-length: 500\r\n\r\n{"
NO_PATH = b"GET http://h HTTP/1.1\r\nhost: h\r\n\r\n"
"""What the parser takes, and uvicorn does not."""
CHUNKED = HEAD + b"content-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n"


def _slow() -> FakeGenerator:
    return FakeGenerator([FakeCompletion("good", delay=1.0)])


async def _left(connection: Connection) -> bytes:
    async with asyncio.timeout(20):
        return await connection.reader.read()


@pytest.mark.parametrize("piece", [18 * 100, 200_000])
async def test_a_connection_queues_only_so_many(piece: int) -> None:
    async with listening(_slow()) as server:
        connection = await server.open()
        flood = b"GET /health HTTP/1.1\r\n\r\n" * 8_000
        await connection.send(chat())
        for at in range(0, len(flood), piece):
            await connection.send(flood[at : at + piece])
        answers = (await _left(connection)).split(b"HTTP/1.1 ")[1:]
        assert {each[:3] for each in answers} == {b"200"}
        assert len(answers) == 1 + PIPELINED
        assert b"connection: close" in answers[-1].lower()


@pytest.mark.parametrize(
    "behind",
    [
        (b"\x16\x03\x01 hello\r\n\r\n",),
        (NO_PATH,),
        (PROBE[:-2] + b"x: " + b"a" * 5000,),
        (BEGUN,),
        (CHUNKED + b"0\r\n" + b"x-sum: 1\r\n" * 40,),
        (CHUNKED, b"1;extension=" + b"a" * 5000),
    ],
)
async def test_what_is_wrong_with_a_request_that_waits_leaves_the_one_before_alone(
    behind: tuple[bytes, ...],
) -> None:
    limits = {"header_bytes": 2048, "headers": 16, "body_seconds": 0.3, "header_seconds": 0.3}
    async with listening(_slow(), connections=limits) as server:
        connection = await server.open()
        await connection.send(chat())
        for piece in behind:
            await asyncio.sleep(0.1)  # so that it is read by itself
            await connection.send(piece)
        assert (await connection.answer())[0] == 200
        said = await _left(connection)
        assert said[:12] == (b"HTTP/1.1 408" if behind == (BEGUN,) else b"")


@pytest.mark.parametrize("wrong", [NO_PATH, b"\x16\x03\x01 hello\r\n\r\n"])
async def test_who_waits_before_what_is_wrong_is_answered(wrong: bytes) -> None:
    async with listening(_slow()) as server:
        connection = await server.open()
        await connection.send(chat() + PROBE + wrong)
        for _ in range(2):
            assert (await connection.answer())[0] == 200
        assert await _left(connection) == b""


async def test_what_is_wrong_behind_an_answer_is_told() -> None:
    async with listening() as server:
        connection = await server.open()
        for sent, status in ((PROBE, 200), (NO_PATH, 400)):
            await connection.send(sent)
            assert (await connection.answer())[0] == status


@pytest.mark.parametrize(
    "each", [chat(user="x" * 30_000), PROBE[:-2] + b"x: %b\r\n\r\n" % (b"a" * 30_000)]
)
async def test_what_waits_holds_only_so_many_bytes(each: bytes) -> None:
    async with listening(_slow()) as server:
        connection = await server.open()
        await connection.send(chat())
        for _ in range(20):
            await connection.send(each)
            await asyncio.sleep(0)
        answers = (await _left(connection)).split(b"HTTP/1.1 ")[1:]
        assert {answer[:3] for answer in answers} == {b"200"}
        assert len(answers) == 1 + WAITING_BYTES // len(each)


async def test_a_long_head_that_comes_with_the_end_of_a_body_is_refused() -> None:
    async with listening(connections={"header_bytes": 2048}) as server:
        connection = await server.open()
        asked = chat()
        await connection.send(asked[:-10])
        await asyncio.sleep(0.05)  # so that it is read by itself
        await connection.send(asked[-10:] + PROBE[:-2] + b"x: %b\r\n\r\n" % (b"a" * 5000))
        assert [(await connection.answer())[0] for _ in range(2)] == [200, 431]


@pytest.mark.parametrize("behind", [PROBE, PROBE + chat(), BEGUN, chat(user="x" * 70_000)])
async def test_a_client_that_hangs_up_with_more_to_come_aborts_what_is_answered(
    behind: bytes,
) -> None:
    endless = FakeGenerator([FakeCompletion("good", delay=30.0)])
    async with listening(endless) as server:
        connection = await server.open()
        await connection.send(chat())
        await _answering(server, 1)
        await connection.send(behind)
        await asyncio.sleep(0.1)
        await connection.close()
        await _answering(server, 0)


async def _answering(server: Listening, requests: int) -> None:
    started = time.monotonic()
    while server.listener._service.admission.requests != requests:
        assert time.monotonic() - started < 10
        await asyncio.sleep(0.02)


async def test_an_empty_line_behind_an_answer_is_no_begun_request() -> None:
    async with listening(connections={"header_seconds": 0.3}) as server:
        connection = await server.open()
        for _ in range(2):
            await connection.send(PROBE)
            assert (await connection.answer())[0] == 200
            await connection.send(b"\r\n")
            await asyncio.sleep(0.6)
        await connection.send(PROBE[:20])
        assert (await connection.answer())[0] == 408


async def test_half_a_request_that_came_while_another_was_answered_is_not_waited_for() -> None:
    async with listening(_slow(), connections={"header_seconds": 0.3}) as server:
        connection = await server.open()
        await connection.send(chat() + PROBE[:20])
        assert (await connection.answer())[0] == 200
        assert (await connection.answer())[0] == 408
