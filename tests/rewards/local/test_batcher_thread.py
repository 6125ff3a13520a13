"""What callers are told where the batcher's thread cannot begin, plan, free memory or go on."""

from __future__ import annotations

from collections.abc import Sequence

from bestofn.rewards.local.batch import Batch
from bestofn.rewards.local.batcher import Batcher
from bestofn.rewards.local.padding import padded_batches
from bestofn.rewards.local.token_budget import TokenBudget


def test_a_plan_that_fails_costs_who_waits_and_a_thread_that_cannot_begin_everybody() -> None:
    def fails() -> None:
        raise RuntimeError("no such stream")

    plans = iter([OverflowError("too long")])

    def plan_or_fail(texts: Sequence[Sequence[int]], limit: int) -> Sequence[Batch]:
        for error in plans:
            raise error
        return padded_batches(texts, limit)

    batcher = Batcher(lambda texts: [1.0], plan_or_fail, TokenBudget(100))
    said = str(batcher.submit([[1]]).exception(10))
    assert said == "the reward model failed: OverflowError: too long"
    assert batcher.submit([[1]]).result(10) == [1.0]
    batcher.close()
    batcher = Batcher(lambda texts: [1.0], padded_batches, TokenBudget(100), begin=fails)
    for _ in range(2):
        said = str(batcher.submit([[1]]).exception(10))
        assert said.startswith("the reward model cannot run: RuntimeError: no such stream")
    batcher.close()


def test_what_ends_the_thread_or_frees_no_memory_is_told_to_who_waits() -> None:
    def breaks() -> bool:
        raise RuntimeError("CUDA error")

    def exhausted(texts: Sequence[Sequence[int]]) -> list[float]:
        raise MemoryError

    def exits(texts: Sequence[Sequence[int]]) -> list[float]:
        raise SystemExit(3)

    batcher = Batcher(exhausted, padded_batches, TokenBudget(100), release=breaks)
    for _ in range(2):
        said = str(batcher.submit([[1], [2]]).exception(10))
        assert said == "the reward model failed: RuntimeError: CUDA error"
    batcher.close()
    batcher = Batcher(exits, padded_batches, TokenBudget(100))
    assert "SystemExit" in str(batcher.submit([[1], [2]]).exception(10))
    assert "cannot run: SystemExit" in str(batcher.submit([[3]]).exception(10))
    batcher.close()
