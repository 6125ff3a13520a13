"""The generator that runs without vLLM."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bestofn import embedded
from bestofn.generators.transformers import TransformersGenerator


@pytest.fixture(scope="session")
def transformers_generator() -> Iterator[TransformersGenerator]:
    """The fallback on the same embedded generator."""
    generator = TransformersGenerator.load(str(embedded.generator_path()))
    yield generator
    generator.close()
