"""Servers that a benchmark starts beside itself."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping

import httpx


@contextlib.contextmanager
def running(
    module: str, *flags: str, environment: Mapping[str, str] | None = None
) -> Iterator[str]:
    """Run a server as a module of Python on a free port; yields its URL once it answers."""
    with started(module, *flags, environment=environment) as (url, _):
        yield url


@contextlib.contextmanager
def started(
    module: str, *flags: str, environment: Mapping[str, str] | None = None
) -> Iterator[tuple[str, int]]:
    """The same; yields the number of its process as well."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", module, *flags, f"--port={port}"]
    with subprocess.Popen(
        command,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, **(environment or {})},
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
