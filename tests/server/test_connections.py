"""What one connection may hold: headers, half a request, an idle line, an answer nobody reads."""

from __future__ import annotations

import asyncio
import socket
import time
from typing import Any

import httpx
import pytest
from starlette.types import Receive, Scope, Send
from uvicorn.config import Config
from uvicorn.server import ServerState

from bestofn.settings.server_limits import ConnectionSettings
from bestofn.testing import FakeCompletion, FakeGenerator
from bestofn_server.http.connection import BoundedProtocol
from tests.support.forwarding import ForwardingGenerator
from tests.support.listening import Connection, Listening, chat, listening
from tests.support.serving import ask

pytestmark = pytest.mark.model

HEAD = b"POST /v1/chat/completions HTTP/1.1\r\nhost: test\r\n"
JSON = b"content-type: application/json\r\n"


def _limits(**connections: Any) -> dict[str, Any]:
    return {"connections": connections}


async def _healthy(server: Listening) -> None:
    async with httpx.AsyncClient(base_url=server.url) as client:
        assert (await client.get("/health")).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        b"x-long: " + b"a" * 4096 + b"\r\n\r\n",
        b"x-long: " + b"a" * 200_000,  # and it does not end
        b"x-many: 1\r\n" * 40 + b"\r\n",
        b"".join(b"x-%d: 1\r\n" % at for at in range(400)) + b"\r\n",
    ],
)
async def test_too_many_headers_are_a_431(headers: bytes) -> None:
    async with listening(**_limits(header_bytes=2048, headers=16)) as server:
        connection = await server.open()
        for at in range(0, len(HEAD + headers), 5000):
            await connection.send((HEAD + headers)[at : at + 5000])
        status, body = await connection.answer()
        assert (status, body["error"]["code"]) == (431, "headers_too_large")
        assert "2,048 bytes or 16 lines of headers" in body["error"]["message"]
        assert await connection.closed()
        await _healthy(server)


async def test_headers_within_the_limit_and_a_long_body_in_one_piece_are_fine() -> None:
    async with listening(**_limits(header_bytes=1024)) as server:
        connection = await server.open()
        asked = chat(user="x" * 50_000)
        for _ in range(2):  # the second one on the same connection
            await connection.send(asked)
            status, _ = await connection.answer()
            assert status == 200
        await connection.send(asked + asked)  # pipelined
        assert [(await connection.answer())[0] for _ in range(2)] == [200, 200]


@pytest.mark.parametrize("pieces", [1, 7, 4096])
@pytest.mark.parametrize(
    "asking",
    [
        b"connection: Upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n",
        b"connection: Upgrade, HTTP2-Settings\r\nupgrade: h2c\r\nhttp2-settings: AAEAAEAA\r\n",
        b"connection: keep-alive, upgrade\r\nupgrade: TLS/1.0\r\n",
    ],
)
async def test_a_request_for_another_protocol_is_answered_as_one_without(
    asking: bytes, pieces: int, caplog: pytest.LogCaptureFixture
) -> None:
    posted = chat().replace(b"host: test\r\n", b"host: test\r\n" + asking)
    asked = b"GET /health HTTP/1.1\r\nhost: test\r\n" + asking + b"\r\n"
    sent = posted + asked + asked + chat()
    async with listening() as server:
        connection = await server.open()
        for at in range(0, len(sent), len(sent) // pieces + 1):
            await connection.send(sent[at : at + len(sent) // pieces + 1])
            await asyncio.sleep(0)
        answers = [await connection.answer() for _ in range(4)]
    assert [status for status, _ in answers] == [200] * 4
    assert [sorted(body)[:1] for _, body in answers] == [
        ["bestofn"],
        *[["status"]] * 2,
        ["bestofn"],
    ]
    assert "pgrade" not in caplog.text
    assert "WebSocket" not in caplog.text


async def test_a_bound_of_headers_holds_for_who_asks_for_another_protocol() -> None:
    head = HEAD + b"connection: upgrade\r\nupgrade: h2c\r\nx-long: " + b"a" * 4096 + b"\r\n\r\n"
    async with listening(**_limits(header_bytes=2048)) as server:
        connection = await server.open()
        await connection.send(head)
        assert (await connection.answer())[0] == 431
        tunnel = await server.open()
        await tunnel.send(b"CONNECT test:443 HTTP/1.1\r\nhost: test\r\n\r\n")
        assert (await tunnel.answer())[0] in (400, 404, 405)
        await _healthy(server)


@pytest.mark.parametrize(
    ("sent", "told"),
    [
        (b"", False),
        (HEAD, True),
        (HEAD + JSON + b"content-length: 500\r\n\r\n{", True),
        (HEAD + JSON + b"transfer-encoding: chunked\r\n\r\n1\r\n{\r\n", True),
    ],
)
async def test_half_a_request_is_waited_for_only_so_long(sent: bytes, told: bool) -> None:
    async with listening(**_limits(header_seconds=0.2, body_seconds=0.2)) as server:
        connection = await server.open()
        await connection.send(sent)
        started = time.monotonic()
        if told:
            status, body = await connection.answer()
            assert (status, body["error"]["code"]) == (408, "request_timeout")
        assert await connection.closed()
        assert time.monotonic() - started < 20
        assert not server.listener.server_state.connections


async def test_a_slow_answer_is_no_slow_client() -> None:
    slow = FakeGenerator([FakeCompletion("good", delay=0.5)])
    async with listening(slow, **_limits(header_seconds=0.1, body_seconds=0.1)) as server:
        connection = await server.open()
        await connection.send(chat() + b"\r\n")  # the empty line that some clients send after it
        status, _ = await connection.answer()
        assert status == 200


async def test_an_idle_connection_is_closed() -> None:
    async with listening(**_limits(idle_seconds=0.2)) as server:
        connection = await server.open()
        await connection.send(chat())
        await connection.answer()
        assert await connection.closed()


async def test_above_so_many_connections_only_probes_are_answered() -> None:
    async with listening(**_limits(most=2)) as server:
        idle = [await server.open() for _ in range(2)]
        await asyncio.sleep(0.05)
        connection = await server.open()
        await connection.send(chat())
        status, body = await connection.answer()
        assert (status, body["error"]["code"]) == (429, "overloaded")
        for path in (b"/health", b"/ready"):
            connection = await server.open()
            await connection.send(
                b"GET %s HTTP/1.1\r\nhost: test\r\nconnection: close\r\n\r\n" % path
            )
            status, _ = await connection.answer()
            assert status == 200
        for each in idle:
            await each.close()
        await asyncio.sleep(0.05)
        connection = await server.open()
        await connection.send(chat())
        assert (await connection.answer())[0] == 200


async def _tokens(server: Listening) -> tuple[int, int]:
    service = server.listener._service
    return service.admission.tokens, service.admission.requests


async def _given_back(server: Listening, seconds: float) -> None:
    started = time.monotonic()
    while await _tokens(server) != (0, 0):
        assert time.monotonic() - started < seconds
        await asyncio.sleep(0.02)


async def _unread(server: Listening, **fields: Any) -> Connection:
    """A connection on which a long stream is asked for, and nothing read."""
    connection = await server.open()
    transport: Any = connection.writer.transport
    transport.pause_reading()
    await connection.send(chat(stream=True, **fields))
    while not (await _tokens(server))[1]:
        await asyncio.sleep(0.01)
    return connection


async def test_a_stream_that_nobody_reads_ends_at_the_time_out() -> None:
    long = FakeGenerator(["x" * 20_000_000])
    async with listening(long, request_timeout_seconds=1) as server:
        started = time.monotonic()
        await _unread(server)
        await _given_back(server, 20)
        assert time.monotonic() - started > 0.9


async def test_a_stream_that_nobody_reads_is_cut_by_the_time_to_write() -> None:
    long = FakeGenerator(["x" * 20_000_000])
    async with listening(long, **_limits(write_seconds=0.3)) as server:
        await _unread(server)
        await _given_back(server, 20)
        started = time.monotonic()
        while server.listener.server_state.connections:
            assert time.monotonic() - started < 20
            await asyncio.sleep(0.02)


async def test_a_forwarded_stream_ends_at_the_time_out_with_an_event() -> None:
    forwarding = ForwardingGenerator(chunks=[{"choices": []}] * 10_000, delay=0.01)
    async with (
        listening(forwarding, request_timeout_seconds=0.4) as server,
        httpx.AsyncClient(base_url=server.url, timeout=10) as client,
    ):
        response = await client.post("/v1/chat/completions", json=ask(best_of=1, stream=True))
        events = response.text.strip().split("\n\n")
        assert '"code":"timeout"' in events[-2]
        assert events[-1] == "data: [DONE]"
        assert await _tokens(server) == (0, 0)
    assert forwarding.cut == 1


async def test_what_is_no_http_is_a_400_in_the_envelope() -> None:
    async with listening() as server:
        connection = await server.open()
        await connection.send(b"\x16\x03\x01 hello\r\n\r\n")
        status, body = await connection.answer()
        assert (status, body["error"]["code"]) == (400, "invalid_http")
        assert await connection.closed()


async def test_an_app_that_fails_in_the_midst_of_an_answer_leaves_no_connection() -> None:
    """uvicorn closes it, which waits for a client that does not read."""
    failed = asyncio.Event()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"x" * 60_000, "more_body": True})
        failed.set()
        raise ValueError("in the midst")

    limits, state = ConnectionSettings(write_seconds=0.2), ServerState()
    config = Config(app, log_config=None, lifespan="off")

    def protocol() -> BoundedProtocol:
        return BoundedProtocol(config, state, {}, limits=limits)

    with socket.socket() as listening_on, socket.socket() as client:
        listening_on.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        listening_on.bind(("127.0.0.1", 0))
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        loop = asyncio.get_running_loop()
        async with await loop.create_server(protocol, sock=listening_on) as server:
            client.connect(server.sockets[0].getsockname())
            client.sendall(b"GET / HTTP/1.1\r\n\r\n")
            async with asyncio.timeout(20):
                await failed.wait()
                assert state.connections, "the client has read nothing"
                while state.connections:
                    await asyncio.sleep(0.02)
