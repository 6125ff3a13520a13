"""The listening server as `bestofn serve` runs it, over fakes and in the running event loop."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncIterator
from typing import Any

from bestofn import Settings
from bestofn.settings.sections import ServerSettings
from bestofn_server.app import create_app
from bestofn_server.listener import Listener
from tests.support.scripts import pipeline_of


@contextlib.asynccontextmanager
async def listening(script: Any = ("good", "better"), **server: Any) -> AsyncIterator[Listening]:
    """A server over fakes that play `script`, with these settings; it is stopped at the end."""
    pipeline = pipeline_of(script, lambda request, candidate: 1.0)[0]
    settings = ServerSettings(**server)
    with socket.socket() as address:
        address.bind(("127.0.0.1", 0))
        app = create_app(Settings(best_of=2, server=settings), pipeline)
        listener = Listener(app, settings)
        task = asyncio.create_task(listener.serve(sockets=[address]))
        while not listener.started:
            assert not task.done(), task.result()
            await asyncio.sleep(0.01)
        held = Listening(listener, task, address.getsockname()[1])
        try:
            yield held
        finally:
            for connection in held.opened:
                await connection.close()
            listener.should_exit = True
            await task


class Listening:
    """A running server.

    Attributes:
        listener: it.
        task: in which it runs.
        port: on which it listens, on 127.0.0.1.
        opened: connections to it, which are closed at the end.
    """

    def __init__(self, listener: Listener, task: asyncio.Task[None], port: int) -> None:
        self.listener = listener
        self.task = task
        self.port = port
        self.opened: list[Connection] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def open(self) -> Connection:
        """A connection that has sent nothing."""
        connection = Connection(*await asyncio.open_connection("127.0.0.1", self.port))
        self.opened.append(connection)
        return connection


class Connection:
    """A client's side of a connection, byte by byte."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def send(self, data: bytes) -> None:
        """Write, as far as the server lets it."""
        with contextlib.suppress(ConnectionError):
            self.writer.write(data)
            await self.writer.drain()

    async def answer(self) -> tuple[int, dict[str, Any]]:
        """Status and body of an answer with a length."""
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode().lower()
        length = int(head.split("content-length:")[1].split("\r\n")[0])
        body: dict[str, Any] = json.loads(await self.reader.readexactly(length))
        return int(head.split()[1]), body

    async def closed(self) -> bool:
        """Whether the server closes it within seconds; what it still says is thrown away."""
        with contextlib.suppress(TimeoutError, ConnectionError):
            async with asyncio.timeout(5):
                await self.reader.read()
                return True
            return False
        return True

    async def close(self) -> None:
        self.writer.close()
        with contextlib.suppress(ConnectionError):
            await self.writer.wait_closed()


def chat(**fields: Any) -> bytes:
    """A chat completion request, as it goes over the wire."""
    body = json.dumps({"messages": [{"role": "user", "content": "What?"}], **fields}).encode()
    head = (
        "POST /v1/chat/completions HTTP/1.1\r\nhost: test\r\ncontent-type: application/json\r\n"
        f"content-length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body
