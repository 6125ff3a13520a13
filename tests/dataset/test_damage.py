"""A run's folder that a disk or somebody has changed: named for what it is, and nothing is lost."""

from __future__ import annotations

import contextlib
import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from bestofn.core.errors import ConfigError
from bestofn.core.no_winner import GeneratorError
from bestofn.dataset.export.export import export
from bestofn.dataset.export.options import ExportOptions
from bestofn.dataset.prompts.rows import Row
from bestofn.dataset.run.counts import Counts
from bestofn.dataset.run.local import run
from bestofn.dataset.run.options import RunOptions
from bestofn.dataset.store.journal import JOURNAL, read_journal
from bestofn.dataset.store.manifest import NAME, Manifest
from bestofn.dataset.store.rollouts import read_rollouts, run_state
from bestofn.dataset.store.shards import ROLLOUTS
from bestofn.dataset.store.store import Store
from bestofn.dataset.store.verify import faults
from bestofn.testing import FakeCompletion
from tests.support import dataset_fakes as fakes

pytestmark = pytest.mark.long

PER = 10


async def do(folder: Path, rows: Iterator[Row]) -> Counts:
    with contextlib.closing(Store.open(folder, fakes.CONFIG, rows_per_shard=PER)) as store:
        return await run(rows, store, fakes.pipeline(), RunOptions(in_flight=4))


def breaking(count: int) -> Iterator[Row]:
    yield from fakes.rows(count)
    raise GeneratorError("the input breaks")


@pytest.fixture
async def interrupted(tmp_path: Path) -> Path:
    """A run of which a shard and six rows in the journal are there."""
    with pytest.raises(GeneratorError):
        await do(tmp_path / "run", breaking(16))
    assert len(read_journal(tmp_path / "run" / JOURNAL).records) == 6
    return tmp_path / "run"


@pytest.fixture
async def whole(tmp_path: Path) -> Path:
    """A finished run of three shards."""
    await do(tmp_path / "run", fakes.rows(25))
    return tmp_path / "run"


def flipped(line: bytes) -> bytes:
    """The line with another letter in a text: still JSON."""
    return line.replace(b"question", b"questiom", 1)


@pytest.mark.parametrize(
    "damage",
    [
        flipped,
        lambda line: b"{broken\n",
        lambda line: b"[]\n",
        lambda line: b'{"row": 3}\n',
        lambda line: b'{"row": "3", "candidates": 5}\n',
        lambda line: b"[" * 100_000 + b"\n",
        lambda line: b"\xff\xfe\n",
        lambda line: (
            line.partition(b"\t")[0].replace(b'"rounds":1', b'"rounds":' + b"9" * 40) + b"\n"
        ),
    ],
)
async def test_a_damaged_line_costs_its_row_alone_and_is_told(
    interrupted: Path, tmp_path: Path, damage: Callable[[bytes], bytes]
) -> None:
    journal = interrupted / JOURNAL
    lines = journal.read_bytes().splitlines(keepends=True)
    assert damage(lines[2]) != lines[2]
    journal.write_bytes(b"".join([*lines[:2], damage(lines[2]), *lines[3:]]))
    assert list(faults(interrupted)) == ["journal.jsonl:3 is damaged; its row is sampled again"]
    store = Store.open(interrupted, fakes.CONFIG)
    assert store.damaged == [3]
    store.close()
    counts = await do(interrupted, fakes.rows(16))
    assert (counts.skipped, counts.sampled) == (15, 1)
    await do(tmp_path / "undisturbed", fakes.rows(16))
    assert list(read_rollouts(interrupted)) == list(read_rollouts(tmp_path / "undisturbed"))
    assert list(faults(interrupted)) == []


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 3] ^= 1
    path.write_bytes(data)


async def test_a_flipped_byte_of_a_shard_is_exported_by_nobody_and_named(
    whole: Path, tmp_path: Path
) -> None:
    flip(whole / ROLLOUTS / "part-000001.parquet")
    for act in (
        lambda: export(whole, read_rollouts(whole), ["sft"], ExportOptions()),
        lambda: list(read_rollouts(whole)),
    ):
        with pytest.raises(
            ConfigError, match=r"part-000001.parquet cannot be read: it is not what"
        ):
            act()
    with pytest.raises(ConfigError, match=r"part-000001.parquet cannot be read: it is not what wa"):
        await do(whole, fakes.rows(25))
    (whole / ROLLOUTS / "part-000001.parquet").unlink()  # as the sentence says
    assert (await do(whole, fakes.rows(25))).sampled == PER
    await do(tmp_path / "undisturbed", fakes.rows(25))
    assert list(read_rollouts(whole)) == list(read_rollouts(tmp_path / "undisturbed"))


async def test_a_copy_of_a_shard_by_another_name_is_none(whole: Path) -> None:
    (shard, *_) = sorted((whole / ROLLOUTS).glob("*.parquet"))
    for name in ("part-000000 (1).parquet", "part-0000000.parquet", "part-x.parquet"):
        shutil.copy(shard, whole / ROLLOUTS / name)
    rows = [record["row"] for record in read_rollouts(whole)]
    assert rows == list(range(len(rows)))
    said = [*faults(whole)]
    assert len(said) == 3
    assert all("is no shard of the run, and is not read" in each for each in said)


async def test_a_shard_that_is_gone_is_exported_by_nobody(whole: Path) -> None:
    (whole / ROLLOUTS / "part-000001.parquet").unlink()
    with pytest.raises(ConfigError, match=r"part-000001.parquet cannot be read: FileNotFoundError"):
        list(read_rollouts(whole))
    assert not run_state(whole).in_journal


async def test_an_input_that_was_cut_is_refused_and_the_run_stays_whole(whole: Path) -> None:
    with pytest.raises(ConfigError, match="the input has 3 rows now, and 25 were sampled before"):
        await do(whole, fakes.rows(3))
    assert list(faults(whole)) == []
    assert run_state(whole).finished
    assert (await do(whole, fakes.rows(25))).skipped == 25


@pytest.mark.parametrize("per", [3, 5, 20, 1000])
async def test_shards_of_another_length_than_run_json_says_are_refused(
    whole: Path, per: int
) -> None:
    manifest = json.loads((whole / NAME).read_text(encoding="utf-8"))
    (whole / NAME).write_text(json.dumps({**manifest, "rows_per_shard": per}), encoding="utf-8")
    with pytest.raises(ConfigError, match=f"says that a shard has {per} rows, and rollouts/part-"):
        await do(whole, fakes.rows(25))
    assert any(f"says that shards have {per}" in fault for fault in faults(whole))


async def test_a_row_that_is_there_twice_is_exported_by_nobody(whole: Path) -> None:
    shutil.copy(whole / ROLLOUTS / "part-000000.parquet", whole / ROLLOUTS / "part-000003.parquet")
    with pytest.raises(ConfigError, match=r"part-000003.parquet holds row 0 again"):
        list(read_rollouts(whole))


async def test_a_run_that_is_not_finished_is_read_whole_and_says_so(interrupted: Path) -> None:
    assert [record["row"] for record in read_rollouts(interrupted)] == list(range(16))
    state = run_state(interrupted)
    assert (state.in_shards, state.in_journal, state.finished) == (10, 6, False)
    assert state.unfinished == (
        "the run is not finished: 16 rows are there; the same `bestofn sample` goes on with it"
    )


async def test_rows_of_the_input_without_their_shards_are_no_mark_of_a_finished_run(
    interrupted: Path,
) -> None:
    """What a kill left in 0.1: run.json says how many rows there are, the journal has most."""
    manifest = Manifest.read(interrupted)
    assert manifest is not None
    manifest.rows = 16
    manifest.write(interrupted)
    state = run_state(interrupted)
    assert not state.finished
    assert "16 of 16 rows are there" in state.unfinished
    assert len(list(read_rollouts(interrupted))) == 16
    counts = await do(interrupted, fakes.rows(16))
    assert (counts.skipped, counts.sampled) == (16, 0)
    assert run_state(interrupted).finished


async def test_a_finished_run_that_goes_on_is_not_finished_until_it_is(whole: Path) -> None:
    assert run_state(whole).finished
    with pytest.raises(GeneratorError):
        await do(whole, breaking(28))
    assert not run_state(whole).finished
    assert [record["row"] for record in read_rollouts(whole)] == list(range(28))


async def test_a_row_that_was_sampled_again_is_read_as_it_is_now(tmp_path: Path) -> None:
    def fourth_fails(request: Any, index: int) -> Any:
        if request.last_user_text == "question 4":
            return FakeCompletion(error="out of memory")
        return fakes.answer(request, index)

    with contextlib.closing(Store.open(tmp_path, fakes.CONFIG, rows_per_shard=PER)) as store:
        await run(fakes.rows(10), store, fakes.pipeline(fourth_fails))
    assert list(read_rollouts(tmp_path))[4]["status"] == "failed"
    with pytest.raises(GeneratorError):
        await do(tmp_path, breaking(5))
    held = list(read_rollouts(tmp_path))
    assert [record["row"] for record in held] == list(range(10))
    assert held[4]["status"] != "failed"
