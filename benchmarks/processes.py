"""Servers that a benchmark starts beside itself."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import httpx

VLLM = "vllm.entrypoints.launchers.api_server.entry"
"""vLLM's own server, as a module."""


@contextlib.contextmanager
def running(
    module: str,
    *flags: str,
    environment: Mapping[str, str] | None = None,
    folder: Path | None = None,
) -> Iterator[str]:
    """Run a server as a module of Python on a free port; yields its URL once it answers."""
    with started(module, *flags, environment=environment, folder=folder) as (url, _):
        yield url


@contextlib.contextmanager
def started(
    module: str,
    *flags: str,
    environment: Mapping[str, str] | None = None,
    folder: Path | None = None,
) -> Iterator[tuple[str, int]]:
    """The same, in this folder; yields the number of its process as well."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", module, *flags, f"--port={port}"]
    with subprocess.Popen(
        command,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, **(environment or {})},
        cwd=folder,
    ) as server:
        try:
            while True:
                if server.poll() is not None:
                    raise SystemExit(f"it ended by itself: {' '.join(command)}")
                with contextlib.suppress(httpx.TransportError):
                    httpx.get(f"{url}/v1/models").raise_for_status()
                    break
                time.sleep(0.1)
            yield url, server.pid
        finally:
            server.terminate()


async def generated_tokens(url: str) -> int:
    """Tokens that a server of vLLM has generated so far, once it generates nothing any more."""
    async with httpx.AsyncClient(base_url=url) as http:
        while True:
            said = (await http.get("/metrics")).raise_for_status().text
            if not _total(said, "vllm:num_requests_running"):
                return _total(said, "vllm:generation_tokens_total")
            await asyncio.sleep(0.02)


def _total(metrics: str, name: str) -> int:
    values = re.findall(rf"^{re.escape(name)}\{{.*\}} (\S+)$", metrics, re.MULTILINE)
    return round(sum(map(float, values)))
