"""What a cluster has room for, told before anything waits for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest

from bestofn.dataset.run.options import Cluster
from bestofn.dataset.run.ray_cluster import workers_with_room

BIG: Mapping[str, float] = {"CPU": 8.0, "GPU": 2.0, "memory": 1e9}
SMALL: Mapping[str, float] = {"CPU": 2.0}


@pytest.mark.parametrize(
    ("cluster", "machines", "room"),
    [
        (Cluster(actors=4), [SMALL], 2),
        (Cluster(actors=4), [SMALL, BIG], 10),
        (Cluster(actors=4, gpus=1), [SMALL, BIG], 2),
        (Cluster(actors=4, gpus=0.5), [SMALL, BIG], 4),
        (Cluster(actors=1, gpus=1), [SMALL], 0),
        (Cluster(actors=1, cpus=3), [SMALL, SMALL], 0),  # no worker stands on two machines
        (Cluster(actors=4, cpus=0), [SMALL], 4),
        (Cluster(actors=1), [], 0),
    ],
)
def test_a_worker_stands_on_one_machine(
    cluster: Cluster, machines: Sequence[Mapping[str, float]], room: int
) -> None:
    assert workers_with_room(cluster, machines) == room
