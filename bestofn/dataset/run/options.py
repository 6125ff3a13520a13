"""Options of a dataset run: rows in flight, when to give up; what of a Ray cluster.

None of it changes which run it is.
"""

from __future__ import annotations

from dataclasses import dataclass

CANDIDATES_IN_FLIGHT = 512
"""Twice what vLLM batches by default on most cards (max_num_seqs 256), so that it never waits."""


@dataclass(frozen=True, slots=True)
class RunOptions:
    """How rows are worked on, wherever that is.

    Args:
        in_flight: rows that are sampled at once (on a cluster: by each pipeline).
        failures_in_a_row: so many rows that fail, or cannot be read, one after the other stop the
            run.
        row_timeout: seconds that a row may take before it counts as failed; None: no limit.
    """

    in_flight: int = 64
    failures_in_a_row: int = 20
    row_timeout: float | None = None


def rows_in_flight(best_of: int) -> int:
    """Rows at once that keep an engine's batch full, where each samples `best_of` candidates."""
    return -(-CANDIDATES_IN_FLIGHT // best_of)


@dataclass(frozen=True, slots=True)
class Cluster:
    """What of a Ray cluster a run takes.

    Args:
        address: of the cluster; None: the one this machine is in, or a new one on it.
        actors: pipelines at least.
        most_actors: pipelines at most; Ray starts more than `actors` while rows wait.
        gpus: of each.
        cpus: of each.
    """

    address: str | None = None
    actors: int = 1
    most_actors: int = 1
    gpus: float = 0.0
    cpus: float = 1.0
