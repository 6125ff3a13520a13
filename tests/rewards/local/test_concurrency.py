"""Many calls of `score` at once, on the whole reward model."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from pathlib import Path

import pytest
import torch

from bestofn.core.no_winner import RewardError
from bestofn.core.types import Request, Score
from bestofn.rewards.local.batch import Batch
from bestofn.rewards.local.readers import Reading
from bestofn.rewards.transformers import TransformersRewardModel
from tests.rewards.conftest import Checkpoint
from tests.support.rewards import classifier_replica
from tests.support.rewards.calls import candidate, candidates
from tests.support.rewards.classifier_replica import chat


class Held:
    """Holds the model's first forward until `leave`, and counts texts per forward."""

    def __init__(self, model: TransformersRewardModel) -> None:
        self._original = model._batcher._forward
        self.sizes: list[int] = []
        self.entered = threading.Event()
        self.leave = threading.Event()
        model._batcher._forward = self

    def __call__(self, texts: Batch) -> Sequence[Reading]:
        self.sizes.append(len(texts))
        self.entered.set()
        assert self.leave.wait(10)
        return self._original(texts)


@pytest.fixture
def model(llama: Checkpoint) -> TransformersRewardModel:
    return TransformersRewardModel.load(str(llama.folder), device="cpu")


async def until(condition: threading.Event) -> None:
    while not condition.is_set():
        await asyncio.sleep(0.001)


async def prepared(model: TransformersRewardModel, waiting: int) -> None:
    """Return once that many calls wait for a forward."""
    while len(model._batcher._waiting) < waiting:
        await asyncio.sleep(0.001)


async def test_calls_of_many_requests_share_a_forward(
    model: TransformersRewardModel, llama: Checkpoint
) -> None:
    held = Held(model)
    first = asyncio.create_task(model.score(Request.from_prompt("first"), [candidate("x")]))
    await until(held.entered)
    asks = [f"question {n}" for n in range(12)]
    calls = [
        asyncio.create_task(model.score(Request.from_prompt(ask), candidates(["a", "b c"])))
        for ask in asks
    ]
    await prepared(model, len(calls))
    held.leave.set()
    await first
    for ask, scores in zip(asks, await asyncio.gather(*calls), strict=True):
        texts = [chat(("user", ask), ("assistant", answer)) for answer in ("a", "b c")]
        expected = [
            classifier_replica.reference(llama.folder, llama.weights, text) for text in texts
        ]
        assert [score.reward for score in scores] == pytest.approx(expected, abs=1e-5)
    model.close()
    assert held.sizes == [1, 24]


async def test_a_cancelled_call_is_dropped_and_the_others_are_answered(
    model: TransformersRewardModel,
) -> None:
    held = Held(model)
    request = Request.from_prompt("q")
    first = asyncio.create_task(model.score(request, [candidate("x")]))
    await until(held.entered)
    dropped = asyncio.create_task(model.score(request, candidates(["a", "b"])))
    kept = asyncio.create_task(model.score(request, [candidate("c")]))
    await prepared(model, 2)
    dropped.cancel()
    with pytest.raises(asyncio.CancelledError):
        await dropped
    held.leave.set()
    assert len(await kept) == 1
    await first
    model.close()
    assert held.sizes == [1, 1]


async def test_a_fault_in_a_forward_is_a_reward_error(model: TransformersRewardModel) -> None:
    def broken(texts: Batch) -> Sequence[Reading]:
        raise RuntimeError("the device is gone")

    original, model._batcher._forward = model._batcher._forward, broken
    calls = [model.score(Request.from_prompt(str(n)), [candidate("x")]) for n in range(3)]
    for outcome in await asyncio.gather(*calls, return_exceptions=True):
        assert isinstance(outcome, RewardError)
        assert "the device is gone" in str(outcome)
    model._batcher._forward = original
    (score,) = await model.score(Request.from_prompt("again"), [candidate("x")])
    model.close()
    assert score.reward is not None


async def test_what_does_not_fit_in_memory_fails_alone(model: TransformersRewardModel) -> None:
    forward = model._batcher._forward

    def small(texts: Batch) -> Sequence[Reading]:
        if max(map(len, texts)) > 60:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return forward(texts)

    model._batcher._forward = small
    request = Request.from_prompt("q")
    good, large = await model.score(request, candidates(["a", "b c d e " * 20]))
    assert good.reward is not None
    assert large.reward is None
    assert large.failure is not None
    assert large.failure.reason == "reward_out_of_memory"
    with pytest.raises(RewardError, match="out of memory"):
        await model.score(request, candidates(["b c d e " * 20]))
    model.close()


async def test_a_closed_model_says_so(model: TransformersRewardModel) -> None:
    model.close()
    model.close()
    with pytest.raises(RewardError, match="closed"):
        await model.score(Request.from_prompt("q"), [candidate("x")])


async def test_closing_answers_who_waits(model: TransformersRewardModel) -> None:
    held = Held(model)
    request = Request.from_prompt("q")
    running = asyncio.create_task(model.score(request, [candidate("x")]))
    await until(held.entered)
    waiting = asyncio.create_task(model.score(request, [candidate("y")]))
    await prepared(model, 1)
    closing = asyncio.create_task(asyncio.to_thread(model.close))
    while not model._batcher._closed:
        await asyncio.sleep(0.001)
    held.leave.set()
    await closing
    (score,) = await running
    assert isinstance(score, Score)
    assert score.reward is not None
    with pytest.raises(RewardError, match="closed"):
        await waiting


def test_one_model_serves_two_loops(llama: Checkpoint) -> None:
    request = Request.from_prompt("q")
    (one,) = asyncio.run(llama.model.score(request, [candidate("x")]))
    (two,) = asyncio.run(llama.model.score(request, [candidate("x")]))
    assert one.reward == pytest.approx(two.reward, abs=1e-5)  # what is cached moves the last digits


async def test_max_batch_tokens_bounds_a_forward(llama: Checkpoint, tmp_path: Path) -> None:
    model = TransformersRewardModel.load(str(llama.folder), device="cpu", max_batch_tokens=100)
    held = Held(model)
    held.leave.set()
    scores = await model.score_texts([f"{letter} " * 12 for letter in "abcdefghijkl"])
    model.close()
    assert sum(held.sizes) == 12
    assert len(held.sizes) > 1
    assert max(held.sizes) * min(score.tokens for score in scores) <= 100


async def test_forwards_keep_their_own_number_of_threads(llama: Checkpoint) -> None:
    model = TransformersRewardModel.load(str(llama.folder), device="cpu", threads=1)
    forward, found = model._batcher._forward, []

    def counting(texts: Batch) -> Sequence[Reading]:
        found.append(torch.get_num_threads())
        return forward(texts)

    model._batcher._forward = counting
    before = torch.get_num_threads()
    torch.set_num_threads(3)  # as vLLM sets it while it starts
    try:
        await model.score(Request.from_prompt("x"), candidates(["good"]))
        assert torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(before)
        model.close()
    assert found == [1]
