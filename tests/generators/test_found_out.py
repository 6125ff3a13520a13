"""What an upstream turned out not to do: for requests of one kind, and for a while."""

from __future__ import annotations

from typing import Any

import pytest
from starlette.responses import JSONResponse, Response

from bestofn.core.types import Request
from bestofn.generators.found_out import KEPT_SECONDS, MOST_KEPT, FoundOut, kind_of
from bestofn.generators.openai import openai_generator
from tests.support.streamed import Serve
from tests.support.upstream import completion, failure

pytestmark = pytest.mark.model


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_it_is_forgotten_after_a_while() -> None:
    clock = Clock()
    found = FoundOut(clock)
    assert found.does_without("logprobs", "a")
    assert not found.does_without("logprobs", "a"), "no news"
    found.gave_less_than(8, "a")
    found.gave(4, "a")
    assert (found.lacks("logprobs", "a"), found.lacks("logprobs", "b")) == (True, False)
    assert [found.may_give(count, "a") for count in (4, 7, 8, 9)] == [True, True, False, False]
    assert [found.gives(count, "a") for count in (4, 5)] == [True, False]
    clock.now += KEPT_SECONDS + 1
    assert not found.lacks("logprobs", "a")
    assert found.may_give(9, "a")
    assert not found.gives(1, "a")


def test_fewer_answers_do_not_renew_what_more_said() -> None:
    clock = Clock()
    found = FoundOut(clock)
    found.gave(8, "a")
    clock.now += KEPT_SECONDS / 2
    found.gave(2, "a")
    assert found.gives(8, "a")
    clock.now += KEPT_SECONDS / 2 + 1
    assert not found.gives(8, "a")


def test_what_came_last_counts() -> None:
    found = FoundOut()
    found.gave_less_than(8, "a")
    found.gave(8, "a")
    assert (found.may_give(8, "a"), found.gives(8, "a")) == (True, True)
    found.gave_less_than(4, "a")
    assert (found.may_give(4, "a"), found.gives(4, "a")) == (False, False)


def test_what_clients_make_up_does_not_fill_the_memory() -> None:
    found = FoundOut()
    for number in range(MOST_KEPT + 10):
        found.does_without("streams", number)
    assert not found.lacks("streams", 9)
    assert found.lacks("streams", 10)
    assert found.lacks("streams", MOST_KEPT + 9)


def test_kinds_are_told_apart_by_what_a_server_may_mind() -> None:
    def kind(**options: Any) -> object:
        return kind_of(Request.from_prompt("x", options=options), "m")

    assert kind() == kind(user="me", metadata={"a": "b"})
    assert kind(reasoning_effort="high") != kind(reasoning_effort="none") != kind()
    assert kind(tools=[{"type": "function"}]) != kind()


async def _asked(url: str, *counts: int) -> None:
    async with openai_generator(url) as generator:
        for count in counts:
            request = Request.from_prompt("x", best_of=count)
            sampling = generator.sample(request, range(count))
            assert len([each async for each in sampling]) == count
            await sampling.aclose()


def _at_most_four(body: dict[str, Any]) -> Response:
    count = body.get("n", 1)
    return completion(*["y"] * count) if count <= 4 else failure(400, "n is at most 4")


@pytest.mark.parametrize(
    ("counts", "asked"),
    [
        # n = 8 is refused, asked again without, and then one by one.
        ((4, 8, 8), [4, 8, *[1] * 8, *[1] * 8]),
        ((8, 4, 4), [8, *[1] * 8, 4, 4]),
    ],
)
async def test_the_order_of_requests_does_not_say_how_many_may_be_asked_for(
    serve: Serve, counts: tuple[int, ...], asked: list[int]
) -> None:
    upstream = serve(_at_most_four)
    await _asked(upstream.url, *counts)
    assert [body.get("n", 1) for body in upstream.bodies] == asked


async def test_a_server_that_gives_fewer_than_before_is_asked_for_fewer(serve: Serve) -> None:
    most = iter([8, 8, 2, 2, *[8] * 20])

    def script(body: dict[str, Any]) -> Response:
        count = body.get("n", 1)
        return completion(*["y"] * count) if count <= next(most) else failure(400, "n is too large")

    upstream = serve(script)
    await _asked(upstream.url, 8, 8, 8, 8)
    assert [body.get("n", 1) for body in upstream.bodies] == [8, 8, 8, *[1] * 8, *[1] * 8]


@pytest.mark.parametrize("many", [failure(501, "n is not done here"), completion()])
async def test_what_does_not_give_several_at_once_is_asked_one_by_one(
    serve: Serve, many: Response
) -> None:
    upstream = serve(lambda body: many if body.get("n", 1) > 1 else completion("y"))
    await _asked(upstream.url, 4, 4)
    assert [body.get("n", 1) for body in upstream.bodies] == [4, *[1] * 4, *[1] * 4]


@pytest.mark.parametrize("nothing", [failure(501, "not here"), completion()])
async def test_logprobs_that_are_not_done_are_done_without(serve: Serve, nothing: Response) -> None:
    upstream = serve(lambda body: nothing if "logprobs" in body else completion("y"))
    async with openai_generator(upstream.url) as generator:
        request = Request.from_prompt("x", token_logprobs=True)
        (found,) = [each async for each in generator.sample(request, [0])]
    assert (found.error, found.text) == (None, "y")


async def test_logprobs_refused_for_some_are_given_to_others(serve: Serve) -> None:
    def script(body: dict[str, Any]) -> Response:
        if body.get("logprobs") and body.get("reasoning_effort") == "high":
            return failure(400, "no logprobs while it thinks")
        told = {"content": [{"token": "y", "logprob": -1.0, "bytes": None, "top_logprobs": []}]}
        choice = {
            "message": {"role": "assistant", "content": "y"},
            "finish_reason": "stop",
            "logprobs": told if body.get("logprobs") else None,
        }
        return JSONResponse({"choices": [choice] * body.get("n", 1)})

    upstream = serve(script)
    found = []
    async with openai_generator(upstream.url) as generator:
        for effort in ("high", "high", "none"):
            options = {"reasoning_effort": effort}
            request = Request.from_prompt("x", best_of=2, options=options, token_logprobs=True)
            sampling = generator.sample(request, range(2))
            found.append({each.mean_logprob async for each in sampling})
            await sampling.aclose()
    assert found == [{None}, {None}, {-1.0}]
    assert [bool(body.get("logprobs")) for body in upstream.bodies] == [True, False, False, True]
