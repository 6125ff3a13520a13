"""`bestofn serve` as a process of its own, on a free port."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from typing import Any

import httpx


async def started(*flags: str) -> Process:
    """The command with these flags, whatever comes of it."""
    command = [sys.executable, "-m", "bestofn", "serve", *flags]
    return await asyncio.create_subprocess_exec(*command, stdout=PIPE, stderr=PIPE)


@contextlib.asynccontextmanager
async def serving_process(*flags: str) -> AsyncIterator[tuple[Process, Any]]:
    """A server that answers, and a client of it."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    process = await started(f"--port={port}", *flags)
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=30) as client:
            began = time.monotonic()
            while True:
                assert process.returncode is None
                assert time.monotonic() - began < 240
                with contextlib.suppress(httpx.TransportError):
                    await client.get("/health")
                    break
                await asyncio.sleep(0.05)
            yield process, client
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
