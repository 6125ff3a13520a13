"""More tokens in a later round, as a request or a profile asks for them, over fakes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bestofn import Settings
from bestofn.control.policy import Policy
from bestofn.core.types import Request
from bestofn.testing import FakeCompletion, FakeGenerator
from bestofn_server.app import create_app
from tests.support.scripts import pipeline_of
from tests.support.serving import ask, client_of, error_of


def needs_twelve(request: Request, index: int) -> FakeCompletion:
    """An answer of twelve words."""
    limit = request.max_tokens or 99
    return FakeCompletion("good" if limit >= 12 else "cut", "stop" if limit >= 12 else "length")


async def asked(settings: Settings | None = None, **body: Any) -> tuple[Any, list[int | None]]:
    """The response, and `max_tokens` of each round."""
    generator = FakeGenerator(needs_twelve)
    pipeline = replace(pipeline_of(["good"], policy=Policy())[0], generator=generator)
    app = create_app(settings or Settings(best_of=2), pipeline)
    async with client_of(app) as client:
        response = await client.post("/v1/chat/completions", json=ask(max_tokens=6, **body))
    return response, [each.max_tokens for each in generator.requests]


async def test_a_request_may_raise_the_limit_of_a_later_round() -> None:
    response, limits = await asked(bestofn={"grow": 2})
    body = response.json()
    assert limits == [6, 12]
    assert body["choices"][0]["message"]["content"] == "good"
    assert body["bestofn"]["rounds"] == 2
    assert "max_tokens 12, before 6" in body["bestofn"]["notes"][0]


async def test_without_it_the_limit_stays() -> None:
    response, limits = await asked()
    assert limits == [6, 6]
    assert response.json()["bestofn"]["fallback"] == "best_rejected"


async def test_a_profile_may_say_so_too() -> None:
    profile = {"long": {"policy": {"grow": 3}}}
    settings = Settings.model_validate({"best_of": 2, "profiles": profile})
    assert (await asked(settings, model="long"))[1] == [6, 18]


async def test_the_servers_own_limit_holds() -> None:
    settings = Settings.model_validate({"best_of": 2, "server": {"max_tokens": 9}})
    assert (await asked(settings, bestofn={"grow": 8}))[1] == [6, 9]


@pytest.mark.parametrize("grow", [0.5, 65, "two", True])
async def test_a_growth_that_cannot_be_is_refused(grow: Any) -> None:
    response, limits = await asked(bestofn={"grow": grow})
    assert (response.status_code, limits) == (400, [])
    assert error_of(response)["param"] == "bestofn.grow"
