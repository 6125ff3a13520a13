"""Rows that cannot be read, are refused, or do not end: counted, told, and they stop a run."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bestofn.core.errors import DatasetError, RequestError, UnreadableError
from bestofn.core.types import Candidate, Request
from bestofn.dataset.prompts.rows import Row, read_row
from bestofn.dataset.run.counts import Counts
from bestofn.dataset.run.local import run
from bestofn.dataset.run.options import RunOptions
from bestofn.dataset.run.progress import outcome
from bestofn.dataset.run.reading import counted
from bestofn.dataset.store.rollouts import read_rollouts, run_state
from bestofn.dataset.store.store import Store
from bestofn.testing import FakeCompletion, FakeGenerator, FakeSampling
from tests.support import dataset_fakes as fakes


def rows(count: int, broken: Sequence[int]) -> Iterator[Row]:
    return fakes.rows(count, broken)


async def do(
    folder: Path, given: Iterator[Row], pipeline: Any = None, *, most: int = 5, **options: Any
) -> Counts:
    taken = RunOptions(in_flight=8, failures_in_a_row=most, **options)
    with contextlib.closing(Store.open(folder, fakes.CONFIG, rows_per_shard=10)) as store:
        return await run(given, store, pipeline or fakes.pipeline(), taken)


def numbers(folder: Path) -> list[int]:
    return [record["row"] for record in read_rollouts(folder)]


async def test_some_are_counted_and_the_first_is_told(tmp_path: Path) -> None:
    counts = await do(tmp_path, rows(9, [3, 4, 8]))
    assert outcome(counts) == [
        "6 rows sampled, 0 were finished before",
        "3 rows cannot be read, the first is prompts.jsonl:4: it is no JSON: line 1",
    ]
    again = await do(tmp_path, rows(9, [3, 4, 8]))
    assert outcome(again)[0] == "0 rows sampled, 9 were finished before"
    assert outcome(again)[1].startswith("3 rows cannot be read")


async def test_as_many_in_a_row_stop_it_and_are_read_anew_when_it_goes_on(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"5 rows one after the other.*prompts.jsonl:11: it is"):
        await do(tmp_path, rows(40, range(10, 15)))
    assert numbers(tmp_path) == list(range(10))
    counts = await do(tmp_path, rows(40, []))  # somebody mended the file
    assert (counts.skipped, counts.sampled) == (10, 30)
    assert numbers(tmp_path) == list(range(40))


async def test_many_that_are_not_in_a_row_stop_nothing(tmp_path: Path) -> None:
    """They are done at once and the others take a while: what counts is the order of the input."""
    broken = [n for n in range(40) if n % 5]
    counts = await do(tmp_path, rows(40, broken))
    assert (counts.sampled, counts.unreadable) == (8, 32)
    assert numbers(tmp_path) == list(range(40))


@pytest.mark.parametrize("count", [3, 5, 40])
async def test_where_nothing_is_read_the_error_says_so_and_nothing_is_kept(
    tmp_path: Path, count: int
) -> None:
    with pytest.raises(UnreadableError, match=f"none of {min(count, 5)} rows can be read, the fir"):
        await do(tmp_path, rows(count, range(count)))
    assert numbers(tmp_path) == []


def test_rows_before_the_end_are_handed_on_when_they_are_few() -> None:
    counts = Counts()
    assert [row.number for row in counted(rows(4, [2, 3]), counts, 3)] == [0, 1, 2, 3]
    assert (counts.read, counts.unreadable) == (4, 2)


class Refusing(FakeGenerator):
    """Refuses the requests whose number is no multiple of `good`, at once; others take a while."""

    def __init__(self, good: int) -> None:
        super().__init__(lambda *_: FakeCompletion("answer", delay=0.05))
        self._good = good

    def sample(self, request: Request, indices: Sequence[int]) -> FakeSampling:
        if int(request.last_user_text.split()[1]) % self._good:
            raise RequestError("it is too long")
        return super().sample(request, indices)


async def test_requests_that_the_engine_refuses_stop_it_and_are_not_recorded(
    tmp_path: Path,
) -> None:
    refusing = replace(fakes.pipeline(), generator=Refusing(1000))
    with pytest.raises(DatasetError, match=r"5 rows failed one after the other.*it is too long"):
        await do(tmp_path, rows(40, []), refusing)
    assert numbers(tmp_path) in ([], [0])
    counts = await do(tmp_path, rows(40, []))
    assert counts.sampled + counts.skipped == 40


async def test_refused_ones_among_slow_ones_stop_nothing(tmp_path: Path) -> None:
    counts = await do(tmp_path, rows(40, []), replace(fakes.pipeline(), generator=Refusing(5)))
    assert (counts.sampled, counts.failed) == (8, 32)
    assert outcome(counts)[-1].startswith("32 rows failed, the first is prompts.jsonl:")


async def test_a_row_that_failed_before_does_not_hold_up_a_run_that_goes_on(tmp_path: Path) -> None:
    """It fails again and is held back, while the rows behind it go on beyond the window."""

    def first_fails(request: Request, index: int) -> FakeCompletion:
        if request.last_user_text == "question 0":
            return FakeCompletion(error="out of memory")
        return FakeCompletion("answer")

    await do(tmp_path, rows(60, []), fakes.pipeline(first_fails))
    async with asyncio.timeout(60):
        counts = await do(tmp_path, rows(64, []), fakes.pipeline(first_fails))
    assert (counts.skipped, counts.sampled, counts.failed) == (59, 4, 1)


async def test_a_row_that_does_not_end_fails_when_its_time_is_over(tmp_path: Path) -> None:
    def hanging(request: Request, index: int) -> FakeCompletion:
        late = request.last_user_text == "question 1"
        return FakeCompletion("answer", delay=3600 if late else 0)

    counts = await do(tmp_path, rows(3, []), fakes.pipeline(hanging), row_timeout=0.2)
    assert (counts.sampled, counts.failed) == (2, 1)
    failed = list(read_rollouts(tmp_path))[1]
    assert (failed["status"], failed["error"]) == ("failed", "it was not done within 0.2 s")


class TooMany(FakeCompletion):
    """One that says to have more tokens than 64 bits hold."""

    def candidate(self, request: Request, index: int) -> Candidate:
        return replace(FakeCompletion.candidate(self, request, index), completion_tokens=10**40)


@pytest.mark.parametrize("completion", [FakeCompletion("half \ud83d pair"), TooMany("answer")])
async def test_what_no_table_can_hold_fails_its_own_row(
    tmp_path: Path, completion: FakeCompletion
) -> None:
    def odd(request: Request, index: int) -> FakeCompletion:
        if request.last_user_text == "question 1" and index == 0:
            return completion
        return FakeCompletion("answer")

    for _ in range(2):
        await do(tmp_path, rows(3, []), fakes.pipeline(odd))
        held = list(read_rollouts(tmp_path))
        assert [record["status"] for record in held] == ["ok", "failed", "ok"]
        assert held[1]["error"].startswith("what came back cannot be kept: ")
    assert run_state(tmp_path).finished


async def test_an_error_that_no_table_can_hold_is_kept_as_text(tmp_path: Path) -> None:
    def odd(request: Request, index: int) -> FakeCompletion:
        return FakeCompletion(error="half \ud83d pair")

    await do(tmp_path, rows(2, []), fakes.pipeline(odd))
    assert "half ? pair" in next(read_rollouts(tmp_path))["error"]


def test_a_key_is_made_of_anything() -> None:
    read = read_row(0, "a:1", {"prompt": "half \ud83d"}, {}, fakes.DEFAULTS)
    assert len(read.key) == 32
