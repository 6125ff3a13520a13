"""The run on a local Ray cluster of two workers: the same rows, and none lost with a worker."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from bestofn.dataset.run.local import run
from bestofn.dataset.run.options import Cluster, RunOptions
from bestofn.dataset.run.ray import run_on_ray
from bestofn.dataset.run.ray_cluster import cluster_of
from bestofn.dataset.store.journal import JOURNAL
from bestofn.dataset.store.rollouts import read_rollouts, run_state
from bestofn.dataset.store.store import Store
from bestofn.dataset.store.verify import faults
from tests.support import dataset_fakes as fakes
from tests.support import ray_run as on_ray

ray = pytest.importorskip("ray")

pytestmark = [pytest.mark.ray, pytest.mark.alone]

CLUSTER = Cluster(actors=2, most_actors=2, cpus=1)
OPTIONS = RunOptions(in_flight=8)


@pytest.fixture(scope="module")
def cluster() -> Iterator[None]:
    ray.init(
        num_cpus=2,  # as many as the workers take: what reads has to do without
        include_dashboard=False,
        log_to_driver=False,
        logging_level="error",
        runtime_env={"env_vars": {"PYTHONPATH": str(Path.cwd())}},
    )
    yield
    ray.shutdown()


def _until_free(cpus: int) -> None:
    """Wait for the processors of an earlier test: a worker that ended gives them back later."""
    deadline = time.monotonic() + 60
    while (free := ray.available_resources().get("CPU", 0)) != cpus:
        assert time.monotonic() < deadline, f"{free} CPU free after a minute, not {cpus}"
        time.sleep(0.05)


async def _on_ray(folder: Path, pids: Path, **options: Any) -> Any:
    pids.mkdir(exist_ok=True)
    with contextlib.closing(Store.open(folder, fakes.CONFIG, rows_per_shard=50)) as store:
        return await run_on_ray(
            on_ray.read, store, on_ray.Opening(pids), CLUSTER, OPTIONS, **options
        )


@pytest.mark.filterwarnings("ignore")
async def test_two_workers_make_the_rows_of_one_machine(cluster: None, tmp_path: Path) -> None:
    counts = await _on_ray(tmp_path / "ray", tmp_path / "pids")
    assert (counts.done, counts.skipped) == (on_ray.ROWS, 0)
    assert len(list((tmp_path / "pids").iterdir())) == 2
    with contextlib.closing(
        Store.open(tmp_path / "here", fakes.CONFIG, rows_per_shard=50)
    ) as store:
        await run(on_ray.read(), store, fakes.pipeline())
    assert list(read_rollouts(tmp_path / "ray")) == list(read_rollouts(tmp_path / "here"))
    assert list(faults(tmp_path / "ray")) == []
    again = await _on_ray(tmp_path / "ray", tmp_path / "pids")
    assert (again.done, again.skipped) == (0, on_ray.ROWS)


@pytest.mark.filterwarnings("ignore")
async def test_a_worker_that_dies_loses_nothing(cluster: None, tmp_path: Path) -> None:
    killed: list[int] = []
    pids = tmp_path / "pids"

    def kill(counts: Any) -> None:
        if not killed and counts.done >= 20:
            killed.append(int(next(pids.iterdir()).name))
            os.kill(killed[0], signal.SIGKILL)

    counts = await _on_ray(tmp_path / "ray", pids, watch=kill)
    assert killed
    assert counts.done == on_ray.ROWS
    assert [record["row"] for record in read_rollouts(tmp_path / "ray")] == list(range(on_ray.ROWS))
    assert len(list(pids.iterdir())) >= 3  # somebody took its place
    assert asyncio.get_running_loop().is_running()


def test_what_has_no_room_is_told_before_anything_waits(cluster: None) -> None:
    told: list[str] = []
    _until_free(2)
    with cluster_of(Cluster(actors=3, cpus=1), told.append) as waiting:
        (sentence,) = told
        assert sentence.startswith("3 workers ask for 1 CPU each; the cluster has 2 CPU (2 free)")
        assert sentence.endswith("which is room for 2")
        assert waiting().startswith("no row is done yet: 3 workers ask for 1 CPU each and loads")
    with cluster_of(Cluster(actors=2, cpus=1), told.append):
        assert len(told) == 1  # these have room
    with cluster_of(Cluster(actors=1, cpus=99), told.append):  # a cluster of others may grow
        assert told[1].endswith("which is room for 0")


def test_a_cluster_of_its_own_that_has_no_room_is_refused() -> None:
    code = """
from bestofn.core.errors import ConfigError
from bestofn.dataset.run.options import Cluster
from bestofn.dataset.run.ray_cluster import cluster_of
try:
    with cluster_of(Cluster(actors=1, cpus=999), print):
        print("it began")
except ConfigError as error:
    print(error)
"""
    said = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True
    ).stdout
    assert said.startswith("1 worker asks for 999 CPU each; the cluster has ")
    assert said.endswith("which is room for 0\n")


def test_an_interrupted_run_leaves_nothing_of_ray_behind(tmp_path: Path) -> None:
    """On a cluster of its own, which is as small as the machine: Ctrl-C in the midst of it."""
    command = [sys.executable, "-m", "tests.support.ray_run", str(tmp_path)]
    told = tmp_path / "told"
    with (
        told.open("wb") as out,
        subprocess.Popen(command, start_new_session=True, stdout=out, stderr=out) as process,
    ):
        deadline = time.monotonic() + 200
        journal = tmp_path / "run" / JOURNAL
        while not (journal.is_file() and journal.stat().st_size):
            assert process.poll() is None, told.read_text()
            assert time.monotonic() < deadline
            time.sleep(0.2)
        below = psutil.Process(process.pid).children(recursive=True)
        assert any("raylet" in each.name() for each in below)
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 130, told.read_text()
    assert {"bestofn: interrupted", "wound up"} <= {*told.read_text().splitlines()}
    assert "Traceback" not in told.read_text()
    _, alive = psutil.wait_procs(below, timeout=2)
    assert [each.name() for each in alive] == []
    assert run_state(tmp_path / "run").unfinished
