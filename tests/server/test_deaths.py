"""kill -9: of the engine, which ends the server, and of the server, which its children follow."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from typing import IO

import httpx
import psutil
import pytest

pytestmark = [pytest.mark.slow, pytest.mark.alone]

SECONDS = 10
"""In which a supervisor has to learn of it."""


@contextlib.contextmanager
def _serving(log: IO[str]) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """`bestofn serve` on the embedded pair, and its URL.

    vLLM starts a process for its scheduler and one for the model, as it does for other models.
    """
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "bestofn", "serve", f"--port={port}"]
    environment = {**os.environ, "VLLM_ENABLE_V1_MULTIPROCESSING": "1"}
    with subprocess.Popen(command, stdout=log, stderr=log, env=environment) as server:
        try:
            url = f"http://127.0.0.1:{port}"
            started = time.monotonic()
            while not _status(url):
                assert server.poll() is None
                assert time.monotonic() - started < 250
                time.sleep(0.2)
            yield server, url
        finally:
            server.kill()


def _status(url: str, path: str = "/health") -> int | None:
    try:
        return httpx.get(f"{url}{path}", timeout=5).status_code
    except httpx.TransportError:
        return None


def _children(pid: int) -> list[psutil.Process]:
    """Its processes but the one that only watches over shared memory, and ends by itself."""
    found = psutil.Process(pid).children(recursive=True)
    return [each for each in found if "resource_tracker" not in " ".join(each.cmdline())]


def _alive(processes: list[psutil.Process]) -> list[psutil.Process]:
    return [p for p in processes if p.is_running() and p.status() != psutil.STATUS_ZOMBIE]


def _until_gone(processes: list[psutil.Process], seconds: float) -> list[psutil.Process]:
    started = time.monotonic()
    while (left := _alive(processes)) and time.monotonic() - started < seconds:
        time.sleep(0.05)
    return left


def test_a_killed_engine_is_unhealthy_and_ends_the_server_with_a_code() -> None:
    with tempfile.TemporaryFile("w+") as log, _serving(log) as (server, url):
        children = _children(server.pid)
        assert children
        killed = time.monotonic()
        children[0].kill()
        seen = set()
        while server.poll() is None and time.monotonic() - killed < 2 * SECONDS:
            seen.add(_status(url))
            time.sleep(0.02)
        assert server.wait(1) == 1
        assert time.monotonic() - killed < SECONDS
        assert seen <= {200, 503, None}
        assert _until_gone(children, 5) == []
        log.seek(0)
        said = log.read()
    assert "the engine has died: the server ends" in said
    assert "Traceback" not in said.partition("the engine has died: the server ends")[2]


def test_a_killed_server_takes_its_children_along() -> None:
    with tempfile.TemporaryFile("w+") as log, _serving(log) as (server, _):
        children = _children(server.pid)
        assert children
        server.kill()
        server.wait()
        assert _until_gone(children, 3) == []
