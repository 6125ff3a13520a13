"""Services that the tests here ask."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import httpx
import pytest

from bestofn import embedded
from bestofn_server.app import create_app
from tests.support.planning import plain_pipeline, settings_of
from tests.support.serving import client_of
from tests.support.vllm_serving import embedded_serving


@pytest.fixture(scope="session")
async def client_with_profiles() -> AsyncIterator[httpx.AsyncClient]:
    """A client of a service with the profiles of `tests.support.planning`."""
    async with client_of(create_app(settings_of(), plain_pipeline())) as client:
        yield client


@pytest.fixture(scope="session")
def vllm_server_with_plugin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """vLLM's own server with bestofn as its plug-in, the embedded pair, and the key "secret"."""
    config = tmp_path_factory.mktemp("plugin") / "bestofn.yaml"
    config.write_text(
        f"reward_model: {embedded.reward_path()}\nprofiles: {{best-of-2: {{best_of: 2}}}}\n",
        encoding="utf-8",
    )
    plugged = {"VLLM_PLUGINS": "bestofn", "BESTOFN_CONFIG": str(config)}
    with embedded_serving("--api-key=secret", environment=plugged) as url:
        yield url
