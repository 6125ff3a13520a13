"""The real engine, once a session: vLLM on the embedded generator, the embedded reward model."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Mapping

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

TOOLS = [
    "--enable-auto-tool-choice",
    "--tool-call-parser=hermes",
    # so small a model would fill its JSON with blanks
    '--structured-outputs-config={"backend": "xgrammar", "disable_any_whitespace": true}',
]


@pytest.fixture(scope="session")
async def pipeline() -> AsyncIterator[Pipeline]:
    """The embedded pair on vLLM, as `open_pipeline` makes it, and able to call tools."""
    async with open_pipeline(Settings(engine="vllm", engine_args=TOOLS)) as opened:
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
    with _vllm_server({}) as url:
        yield url


@pytest.fixture(scope="session")
def vllm_server_with_plugin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The same with bestofn as its plug-in, the embedded reward model, and the key "secret"."""
    config = tmp_path_factory.mktemp("plugin") / "bestofn.yaml"
    config.write_text(
        f"reward_model: {embedded.reward_path()}\nprofiles: {{best-of-2: {{best_of: 2}}}}\n",
        encoding="utf-8",
    )
    plugged = {"VLLM_PLUGINS": "bestofn", "BESTOFN_CONFIG": str(config)}
    with _vllm_server(plugged, "--api-key=secret") as url:
        yield url


@contextlib.contextmanager
def _vllm_server(environment: Mapping[str, str], *further: str) -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    entry = "vllm.entrypoints.launchers.api_server.entry"
    flags = ["--model", str(embedded.generator_path()), "--host=127.0.0.1", f"--port={port}"]
    flags += [f"--served-model-name={embedded.NAME}"]
    small = ["--enforce-eager", "--block-size=32", "--max-num-seqs=32", "--max-model-len=1024"]
    cache = [f"--kv-cache-memory-bytes={64 * 2**20}", "--gpu-memory-utilization=0.1"]
    command = [sys.executable, "-m", entry, *flags, *small, *CPU_DEFAULTS, *cache, *TOOLS, *further]
    with (
        tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as log,
        subprocess.Popen(
            command, stdout=log, stderr=log, env={**os.environ, **environment}
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


def _healthy(url: str) -> bool:
    try:
        return httpx.get(f"{url}/health").is_success
    except httpx.TransportError:
        return False
