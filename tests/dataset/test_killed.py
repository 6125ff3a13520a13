"""SIGKILL at random moments: the finished run is row for row that of an undisturbed one."""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from bestofn.dataset.store.manifest import Manifest
from bestofn.dataset.store.rollouts import read_rollouts
from bestofn.dataset.store.shards import ROLLOUTS
from bestofn.dataset.store.store import Store
from bestofn.dataset.store.verify import faults
from tests.support import dataset_fakes as fakes
from tests.support import killed_run as killed

KILLS = 20


@pytest.mark.slow
@pytest.mark.parametrize("explore", [None, 2])
def test_killed_at_any_moment_nothing_is_lost_or_done_twice(
    tmp_path: Path, explore: int | None
) -> None:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.support.killed_run", "pyarrow.parquet"])
    drawn = random.Random(7)
    folder, undisturbed = tmp_path / "killed", tmp_path / "undisturbed"
    killed.work(str(undisturbed), explore)
    kills, finished = 0, [0]
    while kills < KILLS or Manifest.read(folder).rows is None:  # type: ignore[union-attr]
        process = context.Process(target=killed.work, args=(str(folder), explore))
        process.start()
        # longer and longer, so that kills fall everywhere between the first row and the last
        process.join(None if kills == KILLS else drawn.uniform(0.02, 0.25))
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


def _compare(folder: Path, undisturbed: Path) -> None:
    assert list(read_rollouts(folder)) == list(read_rollouts(undisturbed))
    names = sorted(path.name for path in (undisturbed / ROLLOUTS).iterdir())
    assert sorted(path.name for path in (folder / ROLLOUTS).iterdir()) == names
    assert list(faults(folder)) == []


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


def test_a_full_file_system_loses_nothing(small_disk: Path) -> None:
    from bestofn.core.errors import DatasetError

    folder = small_disk / "run"
    with pytest.raises(DatasetError, match="No space left on device; what was finished"):
        killed.work(str(folder))
    subprocess.run(["mount", "-o", "remount,size=8m", "tmpfs", str(small_disk)], check=True)
    killed.work(str(folder))
    assert [record["row"] for record in read_rollouts(folder)] == list(range(killed.ROWS))
