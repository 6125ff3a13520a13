"""vLLM's own server in a process of its own, small and on the CPU."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping

import httpx
import pytest

from bestofn import embedded
from bestofn.vllm_engine.arguments import CPU_DEFAULTS

TOOLS = [
    "--enable-auto-tool-choice",
    "--tool-call-parser=hermes",
    # so small a model would fill its JSON with blanks
    '--structured-outputs-config={"backend": "xgrammar", "disable_any_whitespace": true}',
]
"""Flags with which the embedded generator calls tools."""

SMALL = (
    "--enforce-eager",
    "--block-size=32",
    "--max-num-seqs=32",
    f"--kv-cache-memory-bytes={64 * 2**20}",
    "--gpu-memory-utilization=0.1",
)


@contextlib.contextmanager
def vllm_serving(
    model: str, *flags: str, environment: Mapping[str, str] | None = None
) -> Iterator[str]:
    """The URL of a server on `model`, which is ended at the end."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    entry = "vllm.entrypoints.launchers.api_server.entry"
    where = ["--model", model, "--host=127.0.0.1", f"--port={port}"]
    command = [sys.executable, "-m", entry, *where, *SMALL, *flags]
    with (
        tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as log,
        subprocess.Popen(
            command, stdout=log, stderr=log, env={**os.environ, **(environment or {})}
        ) as server,
    ):
        try:
            url = f"http://127.0.0.1:{port}"
            deadline = time.monotonic() + 180
            while not _healthy(url):
                if server.poll() is not None or time.monotonic() > deadline:
                    log.seek(0)
                    pytest.fail(f"vLLM's server did not start: {log.read()[-3000:]}")
                time.sleep(0.2)
            yield url
        finally:
            server.terminate()
            try:
                server.wait(20)
            except subprocess.TimeoutExpired:
                server.kill()


def embedded_serving(
    *flags: str, environment: Mapping[str, str] | None = None
) -> contextlib.AbstractContextManager[str]:
    """The URL of a server on the embedded generator, able to call tools."""
    named = [f"--served-model-name={embedded.NAME}", "--max-model-len=1024"]
    given = [*named, *CPU_DEFAULTS, *TOOLS, *flags]
    return vllm_serving(str(embedded.generator_path()), *given, environment=environment)


def _healthy(url: str) -> bool:
    try:
        return httpx.get(f"{url}/health").is_success
    except httpx.TransportError:
        return False
