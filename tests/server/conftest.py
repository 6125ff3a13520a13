"""Services that several files ask."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest

from bestofn_server.app import create_app
from tests.support.planning import plain_pipeline, settings_of
from tests.support.serving import client_of


@pytest.fixture(scope="session")
async def client_with_profiles() -> AsyncIterator[httpx.AsyncClient]:
    """A client of a service with the profiles of `tests.support.planning`."""
    async with client_of(create_app(settings_of(), plain_pipeline())) as client:
        yield client
