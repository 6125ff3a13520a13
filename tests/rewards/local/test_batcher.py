"""Which texts share a forward, who joins it, and what callers see when it goes wrong."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bestofn.core.no_winner import RewardError
from bestofn.rewards.local.batcher import Batcher
from bestofn.rewards.local.padding import padded_batches, plan
from bestofn.rewards.local.token_budget import PATIENCE, TokenBudget


@given(
    lengths=st.lists(st.integers(1, 60), max_size=40),
    budget=st.integers(1, 200),
    pads=st.booleans(),
)
def test_a_plan_holds_every_text_once_within_the_budget(
    lengths: list[int], budget: int, pads: bool
) -> None:
    batches = plan(lengths, budget, pads=pads)
    assert sorted(index for batch in batches for index in batch) == list(range(len(lengths)))
    for batch in batches:
        widest = max(lengths[index] for index in batch)
        assert len(batch) == 1 or widest * len(batch) <= budget
        assert pads or len({lengths[index] for index in batch}) == 1


def test_a_plan_sorts_padded_batches_and_keeps_the_order_of_equals() -> None:
    assert plan([3, 9, 3, 8, 3], 18) == [[1, 3], [0, 2, 4]]
    assert plan([3, 9, 3, 8, 3], 18, pads=False) == [[1], [3], [0, 2, 4]]
    assert plan([50, 2], 10) == [[0], [1]]


class Gate:
    """A forward that waits for leave and records what it was given; the reward is the sum."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.entered = threading.Event()
        self.leave = threading.Event()
        self.fault: Exception | None = None

    def __call__(self, sequences: Sequence[Sequence[int]]) -> list[float]:
        self.batches.append([sum(ids) for ids in sequences])
        self.entered.set()
        assert self.leave.wait(10)
        if self.fault is not None:
            raise self.fault
        return [float(sum(ids)) for ids in sequences]


@pytest.fixture
def gate() -> Gate:
    return Gate()


@pytest.fixture
def batcher(gate: Gate) -> Iterator[Batcher[float]]:
    batcher = Batcher(gate, padded_batches, TokenBudget(100))
    yield batcher
    gate.leave.set()
    batcher.close()


def occupy(gate: Gate, batcher: Batcher[float]) -> None:
    """Keep the worker busy until `gate.leave` is set."""
    batcher.submit([[0]])
    assert gate.entered.wait(10)


def test_all_who_wait_share_the_next_forward(gate: Gate, batcher: Batcher[float]) -> None:
    occupy(gate, batcher)
    futures = [batcher.submit([[n], [n, n]]) for n in range(1, 9)]
    gate.leave.set()
    assert [future.result(10) for future in futures] == [[n, 2 * n] for n in range(1, 9)]
    assert len(gate.batches) == 2


def test_a_cancelled_call_is_not_computed(gate: Gate, batcher: Batcher[float]) -> None:
    occupy(gate, batcher)
    dropped, kept = batcher.submit([[7]]), batcher.submit([[8]])
    assert dropped.cancel()
    gate.leave.set()
    assert kept.result(10) == [8.0]
    assert gate.batches == [[0], [8]]


def test_cancelling_during_the_forward_harms_nobody(gate: Gate, batcher: Batcher[float]) -> None:
    first, second = batcher.submit([[1]]), batcher.submit([[2]])
    assert gate.entered.wait(10)
    assert first.cancel()
    gate.leave.set()
    assert second.result(10) == [2.0]
    assert batcher.submit([[3]]).result(10) == [3.0]


def test_a_fault_reaches_every_caller_of_that_forward(gate: Gate, batcher: Batcher[float]) -> None:
    occupy(gate, batcher)
    gate.fault = IndexError("id 9 out of range\nand a long trace")
    futures = [batcher.submit([[n]]) for n in (1, 2)]
    gate.leave.set()
    errors = [future.exception(10) for future in futures]
    assert [str(error) for error in errors] == [
        "the reward model failed: IndexError: id 9 out of range"
    ] * 2
    assert all(isinstance(error, RewardError) for error in errors)
    assert errors[0] is not errors[1]
    assert errors[0] is not None
    assert errors[0].__cause__ is gate.fault


def test_the_worker_survives_a_fault(gate: Gate, batcher: Batcher[float]) -> None:
    gate.leave.set()
    gate.fault = ValueError("once")
    assert isinstance(batcher.submit([[1]]).exception(10), RewardError)
    gate.fault = None
    assert batcher.submit([[2]]).result(10) == [2.0]


def test_after_a_fault_the_rest_of_that_call_is_not_computed(
    gate: Gate, batcher: Batcher[float]
) -> None:
    gate.leave.set()
    gate.fault = ValueError("every time")
    assert isinstance(batcher.submit([[1] * 90, [1] * 80]).exception(10), RewardError)
    assert gate.batches == [[90]]


def test_a_forward_that_returns_too_few_is_a_fault() -> None:
    batcher = Batcher(lambda sequences: [1.0], padded_batches, TokenBudget(100))
    assert isinstance(batcher.submit([[1], [2]]).exception(10), RewardError)
    batcher.close()


def test_closing_fails_what_waits_and_ends_the_thread(gate: Gate, batcher: Batcher[float]) -> None:
    running = batcher.submit([[1]])
    assert gate.entered.wait(10)
    waiting = batcher.submit([[2]])
    closer = threading.Thread(target=batcher.close)
    closer.start()
    while not batcher._closed:
        pass
    gate.leave.set()
    closer.join(10)
    assert running.result(10) == [1.0]
    assert isinstance(waiting.exception(10), RewardError)
    assert "closed" in str(batcher.submit([[3]]).exception(10))
    assert not batcher._thread.is_alive()
    batcher.close()


def test_closing_does_not_wait_for_the_whole_plan(gate: Gate, batcher: Batcher[float]) -> None:
    long_call = batcher.submit([[1] * 90, [1] * 80])
    assert gate.entered.wait(10)
    closer = threading.Thread(target=batcher.close)
    closer.start()
    while not batcher._closed:
        pass
    gate.leave.set()
    closer.join(10)
    assert "closed" in str(long_call.exception(10))
    assert gate.batches == [[90]]


def test_nothing_to_score_is_answered_at_once(batcher: Batcher[float]) -> None:
    assert batcher.submit([]).result(0) == []


async def test_the_event_loop_stays_free_during_a_forward(
    gate: Gate, batcher: Batcher[float]
) -> None:
    future = asyncio.wrap_future(batcher.submit([[1]]))
    for _ in range(3):
        await asyncio.sleep(0)
    assert not future.done()
    gate.leave.set()
    assert await future == [1.0]


def test_a_short_call_does_not_wait_for_a_long_one(gate: Gate, batcher: Batcher[float]) -> None:
    occupy(gate, batcher)
    long_call = batcher.submit([[1] * 60 for _ in range(9)])
    short_call = batcher.submit([[2] * 60])
    done: list[str] = []
    long_call.add_done_callback(lambda _: done.append("long"))
    short_call.add_done_callback(lambda _: done.append("short"))
    gate.leave.set()
    assert long_call.result(10) == [60.0] * 9
    assert done == ["short", "long"]
    assert gate.batches[1:4] == [[60], [120], [60]]


def test_who_comes_during_a_forward_joins_the_next(gate: Gate, batcher: Batcher[float]) -> None:
    long_call = batcher.submit([[1] * 70, [1] * 60, [1] * 20])
    assert gate.entered.wait(10)
    late = batcher.submit([[2] * 15])
    gate.leave.set()
    assert late.result(10) == [30.0]
    assert long_call.result(10) == [70.0, 60.0, 20.0]
    assert gate.batches == [[70], [20, 30], [60]]


class Memory:
    """A forward that fits `tokens`, and what it is asked to free."""

    def __init__(self, tokens: int) -> None:
        self.tokens = tokens
        self.kept = False
        self.batches: list[list[int]] = []

    def __call__(self, sequences: Sequence[Sequence[int]]) -> list[float]:
        self.batches.append([len(ids) for ids in sequences])
        if sum(self.batches[-1]) > self.tokens:
            raise MemoryError
        return [float(len(ids)) for ids in sequences]

    def release(self) -> bool:
        freed, self.kept = self.kept, False
        return freed


@contextmanager
def remembering(tokens: int, budget: int) -> Iterator[tuple[Memory, Batcher[float], TokenBudget]]:
    memory, limit = Memory(tokens), TokenBudget(budget)
    batcher = Batcher(memory, padded_batches, limit, release=memory.release)
    yield memory, batcher, limit
    batcher.close()


def test_out_of_memory_halves_the_budget_and_loses_nothing() -> None:
    with remembering(30, 80) as (memory, batcher, limit):
        texts = [[1] * 10 for _ in range(8)]
        assert batcher.submit(texts).result(10) == [10.0] * 8
        assert [sum(batch) for batch in memory.batches] == [80, 40, 20, 20, 20, 20]
        assert limit.limit == 20


def test_a_budget_that_was_halved_recovers() -> None:
    with remembering(30, 40) as (memory, batcher, limit):
        assert batcher.submit([[1] * 10] * 4).result(10) == [10.0] * 4
        memory.tokens = 1000
        for _ in range(PATIENCE):
            assert batcher.submit([[1]]).result(10) == [1.0]
        assert limit.limit == 40


def test_what_does_not_fit_even_alone_is_nothing_and_the_others_are_found() -> None:
    with remembering(30, 80) as (_, batcher, _):
        found = batcher.submit([[1] * 10, [1] * 50, [1] * 10]).result(10)
        assert found == [10.0, None, 10.0]


def test_what_is_kept_is_freed_before_a_text_is_given_up() -> None:
    with remembering(30, 80) as (memory, batcher, _):
        memory.kept = True
        assert batcher.submit([[1] * 50]).result(10) == [None]
        assert memory.batches == [[50], [50]]


def test_each_fault_makes_the_budget_wait_longer() -> None:
    budget, waited = TokenBudget(8), []
    for _ in range(9):
        budget.shrink()
        succeeded = 0
        while budget.limit < 8:
            budget.succeed()
            succeeded += 1
        waited.append(succeeded)
    assert waited == [16, 32, 64, 128, 256, 512, 1024, 1024, 1024]
