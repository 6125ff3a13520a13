"""The real engine, once a session: vLLM on the embedded generator, the embedded reward model."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator

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
