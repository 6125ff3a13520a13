"""A server over the script of `tests.support.weather`, and both packages' own clients of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

import pytest
from pydantic import SecretStr

from bestofn import Policy, Settings
from bestofn.builders.pipeline import build_filters
from bestofn.settings.sections import FilterSpec, ServerSettings
from bestofn.testing import FakeGenerator
from bestofn_server.app import create_app
from tests.support.scripts import pipeline_of
from tests.support.serving import serving
from tests.support.weather import KEY, scripted

if TYPE_CHECKING:  # they take seconds to load, also where none of the tests below is asked for
    import anthropic
    import openai


@pytest.fixture(scope="module")
async def generator() -> FakeGenerator:
    return FakeGenerator(scripted)


@pytest.fixture(scope="module")
async def url(generator: FakeGenerator) -> AsyncIterator[str]:
    specs = [FilterSpec(name=name) for name in ("empty", "truncation", "tool_calls")]
    pipeline = pipeline_of(
        generator,
        lambda request, candidate: float(len(candidate.text)),
        filters=build_filters(specs),
        policy=Policy("error"),
    )[0]
    keys = [SecretStr(f"somebody:{KEY}")]
    settings = Settings(best_of=2, model="m", server=ServerSettings(api_keys=keys))
    async with serving(create_app(settings, pipeline)) as where:
        yield where


@pytest.fixture(scope="module")
async def gpt(url: str) -> AsyncIterator[openai.AsyncOpenAI]:
    import openai

    async with openai.AsyncOpenAI(base_url=f"{url}/v1", api_key=KEY, max_retries=0) as client:
        yield client


@pytest.fixture(scope="module")
async def claude(url: str) -> AsyncIterator[anthropic.AsyncAnthropic]:
    import anthropic

    async with anthropic.AsyncAnthropic(base_url=url, api_key=KEY, max_retries=0) as client:
        yield client
