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


async def held(limit: int, share: float = 1.0, **body: Any) -> tuple[Any, list[int], list[int]]:
    """The response, the tokens of each round's candidates, and those that admission held then."""
    seen: list[int] = []

    def told(request: Request, _: int) -> FakeCompletion:
        seen.append(app.state.bestofn.admission.tokens)
        return FakeCompletion("cut", "length")

    generator = FakeGenerator(told)
    pipeline = replace(pipeline_of(["good"], policy=Policy())[0], generator=generator)
    server = {"max_tokens_in_flight": limit, "key_limits": {"share": share}}
    app = create_app(Settings.model_validate({"best_of": 4, "server": server}), pipeline)
    async with client_of(app) as client:
        response = await client.post("/v1/chat/completions", json=ask(**body))
    limits = [each.max_tokens for each in generator.requests]
    return response, [4 * each for each in limits if each is not None], seen


@pytest.mark.parametrize(("limit", "share"), [(10**6, 1), (100, 1), (200, 0.5), (24, 1)])
async def test_no_round_samples_more_at_once_than_was_admitted(limit: int, share: float) -> None:
    options = {"on_exhausted": "resample", "max_rounds": 3, "grow": 8}
    response, rounds, seen = await held(limit, share, max_tokens=6, bestofn=options)
    assert (response.status_code, len(rounds)) == (200, 3)
    assert max(rounds) <= min(seen), "each round fits the place that is held"
    assert max(seen) == min(4 * 6 * 8 * 8, int(limit * share)), "and no more is held than it takes"


async def test_what_does_not_grow_holds_its_own_limit() -> None:
    options = {"on_exhausted": "best_rejected", "grow": 8}
    assert (await held(1000, max_tokens=6, bestofn=options))[1:] == ([24], [24] * 4)
