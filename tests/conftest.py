"""The real engine, once a session: vLLM on the embedded generator, the embedded reward model."""

from __future__ import annotations

import contextlib
import os
from collections.abc import AsyncIterator, Iterator, Mapping

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
from bestofn.vllm_engine.arguments import CPU_DEFAULTS
from tests.support.vllm_serving import vllm_serving

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


def _vllm_server(
    environment: Mapping[str, str], *further: str
) -> contextlib.AbstractContextManager[str]:
    named = [f"--served-model-name={embedded.NAME}", "--max-model-len=1024"]
    flags = [*named, *CPU_DEFAULTS, *TOOLS, *further]
    return vllm_serving(str(embedded.generator_path()), *flags, environment=environment)
