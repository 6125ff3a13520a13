"""An app on a real socket, in the running event loop, and what its clients send and get."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from typing import Any

import httpx
import uvicorn
from fastapi import FastAPI

from bestofn import Settings
from bestofn.settings.sections import ServerSettings
from bestofn_server.app import create_app
from bestofn_server.http.auth import ApiKeys
from tests.support.scripts import pipeline_of


@contextlib.asynccontextmanager
async def serving(app: FastAPI) -> AsyncIterator[str]:
    """Serve `app` on a free port; yields its URL."""
    with socket.socket() as address:
        address.bind(("127.0.0.1", 0))
        config = uvicorn.Config(app, log_config=None, access_log=False, lifespan="on")
        server = uvicorn.Server(config)
        server.capture_signals = contextlib.nullcontext  # type: ignore[method-assign, assignment]
        task = asyncio.create_task(server.serve(sockets=[address]))
        while not server.started:
            assert not task.done(), task.result()
            await asyncio.sleep(0.01)
        try:
            yield f"http://127.0.0.1:{address.getsockname()[1]}"
        finally:
            server.should_exit = True
            await task


@contextlib.asynccontextmanager
async def client_of(app: FastAPI, **options: Any) -> AsyncIterator[httpx.AsyncClient]:
    """A client of `app` over a real socket."""
    async with (
        serving(app) as url,
        httpx.AsyncClient(base_url=url, timeout=60, **options) as client,
    ):
        yield client


def ask(**fields: Any) -> dict[str, Any]:
    """The body of a chat completion request."""
    return {"messages": [{"role": "user", "content": "What?"}], **fields}


def error_of(response: httpx.Response) -> dict[str, Any]:
    """What the envelope holds; it holds nothing else."""
    body = response.json()
    assert body.keys() == {"error"}
    assert body["error"].keys() == {"message", "type", "param", "code"}
    error: dict[str, Any] = body["error"]
    return error


def app_of(script: Any = ("good", "better"), keys: ApiKeys | None = None, **server: Any) -> FastAPI:
    """The service over fakes that play `script`, two candidates a request."""
    pipeline, _, _ = pipeline_of(script)
    return create_app(Settings(best_of=2, server=ServerSettings(**server)), pipeline, keys=keys)
