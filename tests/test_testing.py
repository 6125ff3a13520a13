"""The fakes keep the protocols' promises."""

from __future__ import annotations

import asyncio
import math
import subprocess
import sys

import pytest

from bestofn.core.no_winner import GeneratorError
from bestofn.core.protocols import Generator, RewardModel, Sampling
from bestofn.core.types import Candidate, Failure, Request, Score
from bestofn.testing import FakeCompletion, FakeGenerator, FakeRewardModel

REQUEST = Request.from_prompt("two words", best_of=4, seed=10)


async def drawn(sampling: Sampling) -> list[Candidate]:
    return [candidate async for candidate in sampling]


async def test_a_script_is_played_and_starts_again() -> None:
    fake = FakeGenerator(["a", FakeCompletion("b c", finish_reason="length")])
    generator: Generator = fake
    got = await drawn(generator.sample(REQUEST, [0, 1, 2]))
    assert [candidate.text for candidate in got] == ["a", "b c", "a"]
    assert [candidate.index for candidate in got] == [0, 1, 2]
    assert [candidate.finish_reason for candidate in got] == ["stop", "length", "stop"]
    assert [candidate.seed for candidate in got] == [10, 11, 12]
    assert [candidate.completion_tokens for candidate in got] == [1, 2, 1]
    assert {candidate.prompt_tokens for candidate in got} == {2}
    assert (fake.requests, fake.sampled) == ([REQUEST], [0, 1, 2])


async def test_a_script_may_be_a_function() -> None:
    fake = FakeGenerator(lambda request, index: f"{request.last_user_text} {index}")
    assert [c.text for c in await drawn(fake.sample(REQUEST, [5]))] == ["two words 5"]


async def test_candidates_come_in_order_of_completion() -> None:
    fake = FakeGenerator([FakeCompletion("slow", delay=0.05), "fast"])
    assert [c.text for c in await drawn(fake.sample(REQUEST, [0, 1]))] == ["fast", "slow"]
    assert fake.aborted == []


async def test_a_failed_candidate_has_an_error_and_no_text() -> None:
    message = {"role": "assistant", "content": "", "reasoning": "hm"}
    fake = FakeGenerator([FakeCompletion("x", error="lost"), FakeCompletion(message=message)])
    failed, whole = await drawn(fake.sample(REQUEST, [0, 1]))
    assert (failed.error, failed.text, failed.finish_reason) == ("lost", "", "error")
    assert whole.message == message


async def test_an_aborted_candidate_comes_at_once_and_is_recorded() -> None:
    fake = FakeGenerator([FakeCompletion("never", delay=60), "b"])
    sampling = fake.sample(REQUEST, [0, 1])
    first = await anext(sampling)
    sampling.abort(0)
    sampling.abort(1)
    second = await anext(sampling)
    assert (first.index, first.finish_reason) == (1, "stop")
    assert (second.index, second.finish_reason) == (0, "abort")
    assert fake.aborted == [0]
    with pytest.raises(StopAsyncIteration):
        await anext(sampling)


async def test_closing_aborts_what_runs() -> None:
    fake = FakeGenerator([FakeCompletion("never", delay=60)])
    sampling = fake.sample(REQUEST, [0, 1])
    await asyncio.sleep(0)
    await sampling.aclose()
    await sampling.aclose()
    assert (fake.aborted, fake.closed) == ([0, 1], 1)
    with pytest.raises(StopAsyncIteration):
        await anext(sampling)


async def test_an_engine_that_is_gone_raises_from_the_iterator() -> None:
    fake = FakeGenerator(["a"], raises=GeneratorError("gone"))
    sampling = fake.sample(REQUEST, [0])
    with pytest.raises(GeneratorError, match="gone"):
        await anext(sampling)
    await sampling.aclose()


def test_an_empty_script_is_refused() -> None:
    with pytest.raises(ValueError, match="empty"):
        FakeGenerator([])


def answer(text: str) -> Candidate:
    return Candidate(0, {"role": "assistant", "content": text}, "stop")


async def test_rewards_by_text() -> None:
    broken = Failure("broken", "as scripted")
    fake = FakeRewardModel({"a b": 1.5, "nan": math.nan, "bad": broken, "whole": Score(2.0, 7)})
    model: RewardModel = fake
    given = [answer(text) for text in ("whole", "a b", "nan", "bad", "other")]
    whole, scored, nan, bad, other = await model.score(REQUEST, given)
    assert whole == Score(2.0, 7)
    assert scored == Score(1.5, tokens=2)
    assert nan.reward is not None
    assert math.isnan(nan.reward)
    assert bad == Score(None, failure=broken)
    assert other.failure is not None
    assert other.failure.reason == "unscripted"
    assert fake.calls == [(REQUEST, tuple(given))]
    assert fake.finished == 1


async def test_rewards_by_function_and_faults() -> None:
    fake = FakeRewardModel(lambda request, candidate: float(len(candidate.text)))
    assert [score.reward for score in await fake.score(REQUEST, [answer("abc")])] == [3.0]
    broken = FakeRewardModel({}, raises=ValueError("broken"))
    with pytest.raises(ValueError, match="broken"):
        await broken.score(REQUEST, [answer("x")])
    assert (len(broken.calls), broken.finished) == (1, 0)


async def test_a_cancelled_call_is_not_finished() -> None:
    fake = FakeRewardModel({"x": 1.0}, delay=60)
    call = asyncio.create_task(fake.score(REQUEST, [answer("x")]))
    await asyncio.sleep(0)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert (len(fake.calls), fake.finished) == (1, 0)


def test_the_fakes_load_no_heavy_library() -> None:
    code = (
        "import sys, bestofn.testing;"
        "print(sorted({'torch', 'vllm', 'transformers', 'lingua'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
