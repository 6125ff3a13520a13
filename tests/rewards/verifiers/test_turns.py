"""Requests take turns at a verifier: many candidates of one do not starve another's."""

from __future__ import annotations

import asyncio

import pytest

from bestofn.core.types import Candidate, Request
from bestofn.rewards.verifiers.turns import Turns
from bestofn.rewards.verifiers.verifier import VerifierRewardModel
from tests.support.rewards.answering import candidates_of


@pytest.mark.parametrize("places", [1, 2, 5])
async def test_one_candidate_waits_for_no_more_than_run_already(places: int) -> None:
    begun: list[str] = []

    async def check(request: Request, candidate: Candidate) -> bool:
        begun.append(request.last_user_text)
        if request.last_user_text == "many":
            await asyncio.sleep(0)
        return True

    opened = VerifierRewardModel(check, concurrency=places)
    slow = opened.score(Request.from_prompt("many"), candidates_of(["a"] * 64))
    many = asyncio.create_task(slow)
    while len(begun) < places:
        await asyncio.sleep(0)
    one = await opened.score(Request.from_prompt("one"), candidates_of(["a"]))
    assert [each.reward for each in one] == [1.0]
    assert begun.index("one") <= 3 * places, "the other 64 do not come before it"
    assert [each.reward for each in await many] == [1.0] * 64


async def test_owners_take_turns_and_each_is_served_in_its_own_order() -> None:
    turns, served = Turns(1), list[str]()
    owners = {name: object() for name in "abc"}

    async def call(name: str) -> None:
        async with turns.taken(owners[name[0]]):
            served.append(name)
            await asyncio.sleep(0)

    await asyncio.gather(*map(call, ["a1", "a2", "a3", "b1", "b2", "c1"]))
    assert served == ["a1", "a2", "b1", "c1", "a3", "b2"]


@pytest.mark.parametrize("granted", [False, True])
async def test_who_is_cancelled_leaves_the_place_to_the_next(granted: bool) -> None:
    turns, served = Turns(1), list[str]()
    first_ends = asyncio.Event()

    async def call(name: str) -> None:
        async with turns.taken(name):
            served.append(name)
            if name == "first":
                await first_ends.wait()

    first, leaving, last = (asyncio.create_task(call(n)) for n in ("first", "leaving", "last"))
    await asyncio.sleep(0)
    if granted:  # its place comes in the same turn of the event loop as its end
        first_ends.set()
        first.add_done_callback(lambda _: leaving.cancel())
    else:
        leaving.cancel()
        first_ends.set()
    async with asyncio.timeout(5):
        await asyncio.gather(first, last)
    assert (served[0], served[-1]) == ("first", "last")
    async with asyncio.timeout(5), turns.taken("another"):
        assert leaving.done()
