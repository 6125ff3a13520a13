"""The real engine, once a session: vLLM on the embedded generator, the embedded reward model."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator

import httpx
import pytest

# Before vLLM is imported: small, quiet, offline, and no more threads than the two cores.
os.environ.update(
    {
        "HF_HUB_OFFLINE": "1",
        "OMP_NUM_THREADS": "1",
        "TOKENIZERS_PARALLELISM": "false",
        "VLLM_CPU_OMP_THREADS_BIND": "nobind",
        "VLLM_LOGGING_LEVEL": "ERROR",
        "VLLM_NO_USAGE_STATS": "1",
    }
)

from bestofn import Pipeline, Settings, embedded, open_pipeline
from bestofn.generators.transformers import TransformersGenerator
from bestofn.generators.vllm import VllmGenerator
from bestofn.vllm_adapter import CPU_DEFAULTS


@pytest.fixture(scope="session")
async def pipeline() -> AsyncIterator[Pipeline]:
    """The embedded pair on vLLM, as `open_pipeline` makes it without any setting."""
    async with open_pipeline(Settings(engine="vllm")) as opened:
        yield opened


@pytest.fixture(scope="session")
def vllm_generator(pipeline: Pipeline) -> VllmGenerator:
    """The generator of `pipeline`."""
    assert isinstance(pipeline.generator, VllmGenerator)
    return pipeline.generator


@pytest.fixture(scope="session")
def transformers_generator() -> Iterator[TransformersGenerator]:
    """The fallback on the same embedded generator."""
    generator = TransformersGenerator.load(str(embedded.generator_path()))
    yield generator
    generator.close()


@pytest.fixture(scope="session")
def vllm_server() -> Iterator[str]:
    """The URL of vLLM's own server on the embedded generator, in a process of its own."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    entry = "vllm.entrypoints.launchers.api_server.entry"
    flags = ["--model", str(embedded.generator_path()), "--host=127.0.0.1", f"--port={port}"]
    small = ["--enforce-eager", "--block-size=32", "--max-num-seqs=32", "--max-model-len=1024"]
    cache = [f"--kv-cache-memory-bytes={64 * 2**20}", "--gpu-memory-utilization=0.1"]
    command = [sys.executable, "-m", entry, *flags, *small, *CPU_DEFAULTS, *cache]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        try:
            url = f"http://127.0.0.1:{port}"
            deadline = time.monotonic() + 180
            while not _healthy(url):
                assert server.poll() is None, "vLLM's server ended"
                assert time.monotonic() < deadline
                time.sleep(0.2)
            yield url
        finally:
            server.terminate()
            try:
                server.wait(20)
            except subprocess.TimeoutExpired:
                server.kill()


def _healthy(url: str) -> bool:
    try:
        return httpx.get(f"{url}/health").is_success
    except httpx.TransportError:
        return False
