"""SIGKILL before every step that writes, and at random moments: the finished run is row for row
that of an undisturbed one, and nobody takes half of it for the whole."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest

from bestofn.core.errors import ConfigError
from bestofn.dataset.store.journal import JOURNAL
from bestofn.dataset.store.manifest import NAME, Manifest
from bestofn.dataset.store.records import Record
from bestofn.dataset.store.rollouts import read_rollouts, run_state
from bestofn.dataset.store.shards import ROLLOUTS
from bestofn.dataset.store.store import Store
from bestofn.dataset.store.verify import faults
from tests.support import dataset_fakes as fakes
from tests.support import killed_run as killed

KILLS = 20


@pytest.mark.slow
@pytest.mark.parametrize("begun_with", [0, 3])
def test_killed_before_any_step_that_writes_nothing_is_lost_and_half_is_not_whole(
    tmp_path: Path, begun_with: int
) -> None:
    """Once from the beginning; once where a finished run goes on with a longer input."""
    undisturbed, begun, left = tmp_path / "undisturbed", tmp_path / "begun", tmp_path / "left"
    killed.work_few(undisturbed)
    whole = list(read_rollouts(undisturbed))
    if begun_with:
        killed.work_few(begun, begun_with)
    left.mkdir()
    command = [sys.executable, "-m", "tests.support.killed_run", str(left)]
    subprocess.run([*command, str(begun)] if begun_with else command, check=True)
    folders = sorted(left.iterdir(), key=lambda folder: int(folder.name))
    assert len(folders) > 30
    for folder in folders:
        _check_what_is_left(folder, whole, begun_with)
        killed.work_few(folder)
        _compare(folder, undisturbed)


def _check_what_is_left(folder: Path, whole: list[Record], begun_with: int) -> None:
    """What is there is right as far as it goes, and is not told to be all."""
    if not (folder / NAME).is_file():
        with pytest.raises(ConfigError, match="holds no run"):
            run_state(folder)
        return
    there, state = list(read_rollouts(folder)), run_state(folder)
    assert len(there) >= begun_with
    assert there == [record for record in whole if record in there], folder
    assert len(there) == state.in_shards + state.in_journal, folder
    assert state.finished == (state.manifest.rows is not None), "the mark is written last"
    if state.finished:
        assert there in (whole, whole[:begun_with]), folder
    else:
        assert "is not finished" in state.unfinished
    assert all("is not in run.json" in fault for fault in faults(folder)), folder


@pytest.mark.slow
def test_killed_at_any_moment_nothing_is_lost_or_done_twice(tmp_path: Path) -> None:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.support.killed_run", "pyarrow.parquet"])
    drawn = random.Random(7)
    folder, undisturbed = tmp_path / "killed", tmp_path / "undisturbed"
    killed.work(str(undisturbed))
    kills, finished = 0, [0]
    while kills < KILLS or not _is_done(folder):
        process = context.Process(target=killed.work, args=(str(folder),))
        process.start()
        if kills == KILLS:
            process.join()
        else:
            _wait_for_rows(process, folder, _written(folder) + drawn.randint(0, 60))
        if process.is_alive():
            assert process.pid is not None
            os.kill(process.pid, signal.SIGKILL)
            process.join()
            kills += 1
        elif kills < KILLS:  # it is done already: begin again, beside it
            assert process.exitcode == 0
            _compare(folder, undisturbed)
            folder = tmp_path / f"killed-{kills}"
        if folder.is_dir() and Manifest.read(folder) is not None:
            store = Store.open(folder, fakes.CONFIG)
            finished.append(store.finished)
            store.close()
        if not folder.is_dir():
            finished.append(0)
    _compare(folder, undisturbed)
    assert len(set(finished)) > KILLS // 3  # kills did fall in the middle


def _written(folder: Path) -> int:
    """Rows that a run has on the disk, about."""
    journal = folder / JOURNAL
    lines = journal.read_bytes().count(b"\n") if journal.is_file() else 0
    shards = sum(1 for _ in (folder / ROLLOUTS).glob("*.parquet"))
    return lines + killed.ROWS_PER_SHARD * shards


def _wait_for_rows(process: BaseProcess, folder: Path, rows: int) -> None:
    """Until the run has so many rows, or is over: kills fall everywhere, on any machine."""
    while process.is_alive():
        with contextlib.suppress(OSError):  # the run folds its journal meanwhile
            if _written(folder) >= rows:
                return
        process.join(0.001)


def _is_done(folder: Path) -> bool:
    """Whether the run was begun, and is finished: the last kill may fall anywhere."""
    return Manifest.read(folder) is not None and run_state(folder).finished


def _compare(folder: Path, undisturbed: Path) -> None:
    assert list(read_rollouts(folder)) == list(read_rollouts(undisturbed))
    names = sorted(path.name for path in (undisturbed / ROLLOUTS).iterdir())
    assert sorted(path.name for path in (folder / ROLLOUTS).iterdir()) == names
    assert list(faults(folder)) == []
    assert run_state(folder).finished


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 64 KiB."""
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(tmp_path)],
        check=False,
        capture_output=True,
    )
    if mounted.returncode:
        pytest.skip("a small file system needs the right to mount one")
    yield tmp_path
    subprocess.run(["umount", "-l", str(tmp_path)], check=True)


@pytest.mark.long
def test_a_full_file_system_loses_nothing(small_disk: Path) -> None:
    from bestofn.core.errors import DatasetError

    folder = small_disk / "run"
    with pytest.raises(DatasetError, match="No space left on device; what was finished"):
        killed.work(str(folder))
    subprocess.run(["mount", "-o", "remount,size=8m", "tmpfs", str(small_disk)], check=True)
    killed.work(str(folder))
    assert [record["row"] for record in read_rollouts(folder)] == list(range(killed.ROWS))
