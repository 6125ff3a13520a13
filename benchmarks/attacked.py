"""A server under attack: `bestofn serve` in a process of its own, and what an attack does to it."""

from __future__ import annotations

import contextlib
import http.client
import json
import select
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psutil

from benchmarks.processes import running
from bestofn import embedded

CHAT = "/v1/chat/completions"
LARGEST = 8 * 2**20
SETTINGS = """
best_of: 2
server:
  request_timeout_seconds: 5
  connections: {header_seconds: 2, body_seconds: 2, idle_seconds: 5, write_seconds: 2}
"""

Run = Callable[[int], "str | Sequence[int]"]
"""What an attack does to the server on a port; returns the statuses that it was answered with."""


@dataclass(frozen=True, slots=True)
class Attack:
    """One way to hurt a server.

    Args:
        name: what it is.
        run: does it.
        told: what the attacker may be told: statuses, or "closed".
    """

    name: str
    run: Run
    told: frozenset[int | str]


@dataclass(frozen=True, slots=True)
class Result:
    """What came of an attack.

    Args:
        told: each answer, and how often.
        freeze: seconds that another client waited, at most.
        before, after: bytes of the server's memory.
        seconds: that it took.
    """

    told: Counter[int | str]
    freeze: float
    before: int
    after: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Target:
    """A running server: its port and its process, and who watches it."""

    port: int
    process: psutil.Process
    watch: Watch


@contextlib.contextmanager
def target() -> Iterator[Target]:
    """`bestofn serve` over the stub, warm."""
    with contextlib.ExitStack() as stack:
        stub = stack.enter_context(running("benchmarks.stub", "--latency-ms=5"))
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        config = folder / "bestofn.yaml"
        config.write_text(SETTINGS, encoding="utf-8")
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        command = [sys.executable, "-m", "bestofn", "serve", f"--upstream={stub}"]
        command += [f"--reward-model={embedded.reward_path()}"]
        command += [f"--config={config}", f"--port={port}"]
        quiet = subprocess.DEVNULL
        with subprocess.Popen(command, stdout=quiet, stderr=quiet) as server:
            try:
                _warm(port, server)
                watch = Watch(port)
                yield Target(port, psutil.Process(server.pid), watch)
                watch.close()
            finally:
                server.terminate()


def _warm(port: int, server: subprocess.Popen[bytes]) -> None:
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
        while True:
            if server.poll() is not None:
                raise SystemExit("the server ended by itself")
            with contextlib.suppress(httpx.TransportError):
                client.get("/health").raise_for_status()
                break
            time.sleep(0.1)
    for _ in range(3):
        post(port, CHAT, chat())
        post(
            port,
            "/v1/rewards",
            {"prompt": "q", "responses": ["a. " * 2_000_000, "b."], "filters": []},
        )


def watched(attack: Attack, server: Target) -> Result:
    """What an attack does."""
    before = server.process.memory_info().rss
    server.watch.longest()
    started = time.monotonic()
    told = attack.run(server.port)
    seconds = time.monotonic() - started
    freeze = server.watch.longest()
    answers: Counter[int | str] = Counter([told] if isinstance(told, str) else told)
    return Result(answers, freeze, before, server.process.memory_info().rss, seconds)


class Watch:
    """Another client, in a process of its own, which asks for /health all the time.

    Args:
        port: of the server.
    """

    def __init__(self, port: int) -> None:
        command = [sys.executable, "-m", "benchmarks.attacked", str(port)]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.longest()

    def longest(self) -> float:
        """The longest that it waited since this was asked last, in seconds."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        return float(self._process.stdout.readline())

    def close(self) -> None:
        """End it."""
        self._process.communicate()


def main() -> None:
    """Ask for /health on this port, and say at each line how long it took at most."""
    connection = http.client.HTTPConnection("127.0.0.1", int(sys.argv[1]), timeout=120)
    longest = 0.0
    while True:
        started = time.perf_counter()
        connection.request("GET", "/health")
        connection.getresponse().read()
        longest = max(longest, time.perf_counter() - started)
        if select.select([sys.stdin], [], [], 0.002)[0]:
            if not sys.stdin.readline():
                return
            print(longest, flush=True)
            longest = 0.0


def chat(**fields: Any) -> dict[str, Any]:
    """A request of a few tokens, with these fields."""
    return {"messages": [{"role": "user", "content": "What is 8 - 5?"}], "max_tokens": 8, **fields}


def post(port: int, path: str, body: Any) -> int:
    """The status that a body is answered with, on a connection of its own."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    try:
        connection.request("POST", path, content, {"content-type": "application/json"})
        response = connection.getresponse()
        response.read()
        return response.status
    finally:
        connection.close()


if __name__ == "__main__":
    main()
