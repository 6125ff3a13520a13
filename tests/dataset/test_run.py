"""Runs over fakes: every row once, whatever fails, and the disk has the last word."""

from __future__ import annotations

import contextlib
import os
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from bestofn.core.errors import ConfigError, DatasetError
from bestofn.core.no_winner import GeneratorError
from bestofn.core.types import Request
from bestofn.dataset.prompts.rows import read_row
from bestofn.dataset.run.counts import Counts
from bestofn.dataset.run.local import run
from bestofn.dataset.run.options import RunOptions
from bestofn.dataset.store.journal import JOURNAL
from bestofn.dataset.store.manifest import Manifest
from bestofn.dataset.store.records import Record
from bestofn.dataset.store.rollouts import read_rollouts
from bestofn.dataset.store.shards import ROLLOUTS
from bestofn.dataset.store.store import Store
from bestofn.dataset.store.verify import faults
from bestofn.testing import FakeCompletion
from tests.support import dataset_fakes as fakes

LIMITS = RunOptions(in_flight=8, failures_in_a_row=5)


async def do(folder: Path, rows: Any, pipeline: Any = None, **options: Any) -> Counts:
    with contextlib.closing(Store.open(folder, fakes.CONFIG, rows_per_shard=10)) as store:
        return await run(rows, store, pipeline or fakes.pipeline(), LIMITS, **options)


def records(folder: Path) -> list[Record]:
    return list(read_rollouts(folder))


async def test_every_row_is_there_in_order_whatever_it_came_to(tmp_path: Path) -> None:
    counts = await do(tmp_path, fakes.rows(25, broken=[3, 17]))
    held = records(tmp_path)
    assert [record["row"] for record in held] == list(range(25))
    assert (counts.read, counts.done, counts.skipped) == (25, 25, 0)
    statuses = Counter(record["status"] for record in held)
    assert statuses["unreadable"] == 2
    assert statuses["ok"] >= 20
    assert dict(statuses) == counts.statuses
    assert held[3]["error"] == "it is no JSON: line 1"
    for record in held:
        if record["status"] == "unreadable":
            continue
        assert [each["index"] for each in record["candidates"]] == [0, 1, 2, 3]
        for each in record["candidates"]:
            assert (each["rank"] is None) == bool(each["rejections"]) or record["fallback"]
    files = sorted(path.name for path in (tmp_path / ROLLOUTS).iterdir())
    assert files == [f"part-{k:06}.parquet" for k in range(3)]
    assert not (tmp_path / JOURNAL).exists()
    assert list(faults(tmp_path)) == []


async def test_a_finished_run_does_nothing_and_a_longer_input_goes_on(tmp_path: Path) -> None:
    await do(tmp_path, fakes.rows(25))
    before = records(tmp_path)
    counts = await do(tmp_path, fakes.rows(25))
    assert (counts.done, counts.skipped) == (0, 25)
    counts = await do(tmp_path, fakes.rows(32))
    assert (counts.done, counts.skipped) == (7, 25)
    assert records(tmp_path)[:25] == before
    assert len(records(tmp_path)) == 32
    assert list(faults(tmp_path)) == []


async def test_a_row_that_fails_is_a_record_and_the_run_goes_on(tmp_path: Path) -> None:
    def script(request: Request, index: int) -> FakeCompletion:
        if "question 4" in request.last_user_text:
            return FakeCompletion(error="out of memory")
        return fakes.answer(request, index)

    await do(tmp_path, fakes.rows(9), fakes.pipeline(script))
    held = records(tmp_path)
    assert [record["status"] for record in held].count("failed") == 1
    assert "out of memory" in held[4]["error"]
    counts = await do(tmp_path, fakes.rows(9))
    assert (counts.done, counts.skipped) == (1, 8)
    assert records(tmp_path)[4]["status"] != "failed"


async def test_failures_in_a_row_stop_the_run_and_are_sampled_again(tmp_path: Path) -> None:
    gone = True

    def script(request: Request, index: int) -> FakeCompletion:
        number = int(request.last_user_text.split()[1])
        if gone and number >= 12:
            return FakeCompletion(error="connection refused")
        return fakes.answer(request, index)

    with pytest.raises(DatasetError, match=r"5 rows failed one after the other.*connection ref"):
        await do(tmp_path, fakes.rows(40), fakes.pipeline(script))
    gone = False
    counts = await do(tmp_path, fakes.rows(40), fakes.pipeline(script))
    assert 0 < counts.skipped <= 12  # rows that were still being sampled are sampled again
    assert [record["status"] for record in records(tmp_path)].count("failed") == 0
    assert len(records(tmp_path)) == 40


async def test_an_input_that_changed_is_refused(tmp_path: Path) -> None:
    await do(tmp_path, fakes.rows(15))
    changed = (row for row in fakes.rows(16) if row.number != 2)
    renumbered = (
        read_row(n, row.source, {"prompt": row.request.last_user_text}, {}, fakes.DEFAULTS)
        for n, row in enumerate(changed)
        if row.request is not None
    )
    with pytest.raises(ConfigError, match=r"prompts.jsonl:4 is row 2 of the input and was another"):
        await do(tmp_path, renumbered)
    assert len(records(tmp_path)) == 15 or (tmp_path / JOURNAL).exists()


async def test_another_configuration_or_process_or_folder_is_refused(tmp_path: Path) -> None:
    await do(tmp_path / "run", fakes.rows(5))
    other = {**fakes.CONFIG, "best_of": 8, "reward": {"format": "ziya"}}
    with pytest.raises(ConfigError, match=r"best_of was 4 and is 8; reward.format was None and is"):
        Store.open(tmp_path / "run", other)
    store = Store.open(tmp_path / "run", fakes.CONFIG)
    try:
        with pytest.raises(ConfigError, match="another process is writing"):
            Store.open(tmp_path / "run", fakes.CONFIG)
    finally:
        store.close()
    (tmp_path / "else").mkdir()
    (tmp_path / "else" / "thesis.tex").touch()
    with pytest.raises(ConfigError, match=r"holds something else \(thesis.tex\)"):
        Store.open(tmp_path / "else", fakes.CONFIG)


@pytest.mark.parametrize("left", [".journal.jsonl.part", ".run.json.part"])
async def test_a_kill_while_the_run_is_begun_does_not_make_its_folder_another_thing(
    tmp_path: Path, left: str
) -> None:
    (tmp_path / "run" / ROLLOUTS).mkdir(parents=True)
    (tmp_path / "run" / left).write_text("{", encoding="utf-8")
    await do(tmp_path / "run", fakes.rows(5))
    assert len(records(tmp_path / "run")) == 5
    assert not list((tmp_path / "run").glob(".*.part"))


async def test_a_torn_journal_loses_only_the_torn_row(tmp_path: Path) -> None:
    with pytest.raises(GeneratorError):
        await do(tmp_path, _breaking(7))
    journal = tmp_path / JOURNAL
    whole = journal.read_bytes().splitlines(keepends=True)
    assert whole
    journal.write_bytes(b"".join(whole)[:-20])
    counts = await do(tmp_path, fakes.rows(12))
    assert counts.skipped == len(whole) - 1
    assert [record["row"] for record in records(tmp_path)] == list(range(12))


def _breaking(count: int) -> Any:
    yield from fakes.rows(count)
    raise GeneratorError("the input breaks")


@pytest.mark.long
async def test_broken_and_absent_shards_are_named_and_sampled_again(tmp_path: Path) -> None:
    await do(tmp_path, fakes.rows(35))
    before = records(tmp_path)
    broken = tmp_path / ROLLOUTS / "part-000001.parquet"
    broken.write_bytes(broken.read_bytes()[:-40])
    (said,) = faults(tmp_path)
    assert said == (
        "rollouts/part-000001.parquet is not what was written; take it away to sample it again"
    )
    with pytest.raises(ConfigError, match=r"part-000001.parquet cannot be read"):
        await do(tmp_path, fakes.rows(35))
    broken.unlink()
    assert "is gone" in next(faults(tmp_path))
    counts = await do(tmp_path, fakes.rows(35))
    assert counts.done == 10
    assert records(tmp_path) == before
    assert list(faults(tmp_path)) == []


@pytest.mark.long
async def test_a_full_disk_loses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    original, calls = os.fsync, []

    def full(descriptor: int) -> None:
        calls.append(descriptor)
        if len(calls) > 20:
            raise OSError(28, "No space left on device")
        original(descriptor)

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        with pytest.raises(DatasetError, match=r"No space left on device; what was finished"):
            await do(tmp_path, fakes.rows(200))
    counts = await do(tmp_path, fakes.rows(200))
    assert counts.skipped > 0
    undisturbed = tmp_path / "undisturbed"
    await do(undisturbed, fakes.rows(200))
    assert records(tmp_path) == records(undisturbed)
    assert Manifest.read(tmp_path).rows == 200  # type: ignore[union-attr]
