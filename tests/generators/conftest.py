"""The generator that runs without vLLM, and upstreams that play a script."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from bestofn import embedded
from tests.support.streamed import Serve
from tests.support.upstream import Upstream, running

if TYPE_CHECKING:  # fast tests below do without it, and it loads torch
    from bestofn.generators.transformers import TransformersGenerator


@pytest.fixture(scope="session")
def transformers_generator() -> Iterator[TransformersGenerator]:
    """The fallback on the same embedded generator."""
    from bestofn.generators.transformers import TransformersGenerator

    generator = TransformersGenerator.load(str(embedded.generator_path()))
    yield generator
    generator.close()


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Starts a stub with a script; it is stopped at the end of the test."""
    with contextlib.ExitStack() as stack:
        yield lambda script: stack.enter_context(running(Upstream(script)))
