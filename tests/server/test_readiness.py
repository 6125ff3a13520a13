"""Readiness: quick where something is known, patient with a busy engine, not with an idle one."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import Any

import pytest

from bestofn import BestOfNError
from bestofn.core.no_winner import RewardError
from bestofn.core.types import Candidate, Request, Score
from bestofn.testing import FakeCompletion, FakeGenerator, FakeRewardModel
from bestofn_server.service import readiness
from bestofn_server.service.readiness import Readiness
from tests.support.scripts import pipeline_of
from tests.support.serving import app_of, ask, client_of


class Slow(FakeGenerator):
    """A fake whose answers take `delay` seconds, as it is set now."""

    def __init__(self) -> None:
        self.delay = 0.0
        super().__init__(lambda request, at: FakeCompletion("good", delay=self.delay))


def _readiness(generator: FakeGenerator, *, busy: bool, lasts: float = 0.0) -> Readiness:
    pipeline = pipeline_of(generator, lambda request, candidate: 1.0)[0]
    return Readiness(pipeline, remote=False, lasts=lasts, busy=lambda: busy)


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readiness, "PROBE_TIMEOUT", 0.2)
    monkeypatch.setattr(readiness, "PROMPT", 0.05)


async def test_an_idle_engine_that_does_not_answer_is_not_ready() -> None:
    generator = Slow()
    asked = _readiness(generator, busy=False)
    assert await asked.fault() is None
    generator.delay = 60
    assert await asked.fault() is None  # it is asked, and what was known is said at once
    await asyncio.sleep(0.3)
    assert await asked.fault() == "no answer to a probe within 0.2 s"


async def test_a_busy_engine_may_leave_a_probe_waiting() -> None:
    generator = Slow()
    asked = _readiness(generator, busy=True)
    assert await asked.fault() is None
    generator.delay = 60
    took: list[float] = []
    for _ in range(4):
        started = time.monotonic()
        assert await asked.fault() is None
        took.append(time.monotonic() - started)
        await asyncio.sleep(0.1)
    assert min(took) < 0.15, "none waits for the 0.2 s of a probe"


async def test_the_patience_with_a_busy_engine_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    generator = Slow()
    asked = _readiness(generator, busy=True)
    assert await asked.fault() is None
    generator.delay = 60
    monkeypatch.setattr(readiness, "PATIENCE", 0.1)
    await asyncio.sleep(0.15)
    assert await asked.fault() == "no answer to a probe within 0.2 s"
    asked.stirred()  # a candidate has finished: it lives
    monkeypatch.setattr(readiness, "PATIENCE", 60)
    generator.delay = 0
    assert await asked.fault() is None


async def test_the_first_probe_is_waited_for() -> None:
    generator = Slow()
    generator.delay = 0.1
    assert await _readiness(generator, busy=True).fault() is None


async def test_a_request_that_was_answered_is_a_probe() -> None:
    generator = FakeGenerator(["good", "better"])
    async with client_of(app_of(generator)) as client:
        await client.post("/v1/chat/completions", json=ask())
        sampled = len(generator.requests)
        assert (await client.get("/ready")).status_code == 200
        assert len(generator.requests) == sampled


async def test_an_engine_that_just_failed_is_asked_again() -> None:
    generator = Slow()
    asked = _readiness(generator, busy=True, lasts=60)
    assert await asked.fault() is None
    generator._raises = BestOfNError("it is gone")
    assert await asked.fault() is None
    asked.doubt()
    assert await asked.fault() == "it is gone"


async def test_many_probes_are_one() -> None:
    generator = Slow()
    generator.delay = 0.1
    asked = _readiness(generator, busy=False)
    answers: list[Any] = await asyncio.gather(*(asked.fault() for _ in range(20)))
    assert answers == [None] * 20
    assert len(generator.requests) == 1


class Compares(FakeRewardModel):
    """Asks a server only where there is something to compare, as a judge of pairs does."""

    async def score(self, request: Request, candidates: Sequence[Candidate]) -> list[Score]:
        if len(candidates) > 1:
            raise RewardError("the judge is gone")
        return [Score(0.0)]


async def test_what_compares_is_probed_with_something_to_compare() -> None:
    pipeline = pipeline_of(FakeGenerator(["good"]), Compares(lambda *_: 1.0, compares=True))[0]
    asked = Readiness(pipeline, remote=False, lasts=60)
    assert await asked.fault() == "the judge is gone"
