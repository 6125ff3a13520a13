"""Options of a dataset run: rows in flight, when to give up, exploring; what of a Ray cluster.

None of it changes which run it is, but `explore`, which decides how many candidates a row gets.
"""

from __future__ import annotations

from dataclasses import dataclass

from bestofn.core.errors import ConfigError

CANDIDATES_IN_FLIGHT = 512
"""Twice what vLLM batches by default on most cards (max_num_seqs 256), so that it never waits."""

BATCH = 16
"""Rows that share their samples in a run that explores."""

LEAST_IN_FLIGHT = 2 * BATCH
"""Rows of a run that explores: while one batch waits for its slowest, others are sampled."""


@dataclass(frozen=True, slots=True)
class RunOptions:
    """How rows are worked on, wherever that is.

    Args:
        in_flight: rows that are sampled at once (on a cluster: by each pipeline).
        failures_in_a_row: so many rows that fail, or cannot be read, one after the other stop the
            run.
        explore: samples of each row before the rest is shared out over a batch of rows; see
            `bestofn.dataset.run.explorer`. None: every row gets as many as it asks for.
        row_timeout: seconds that a row may take before it counts as failed; None: no limit.

    Raises:
        ConfigError: they do not go together.
    """

    in_flight: int = 64
    failures_in_a_row: int = 20
    explore: int | None = None
    row_timeout: float | None = None

    def __post_init__(self) -> None:
        if self.explore is None:
            return
        if self.explore < 2:
            raise ConfigError(
                f"explore is {self.explore}: at least 2 samples say how rewards spread"
            )
        if self.in_flight < LEAST_IN_FLIGHT:
            raise ConfigError(
                f"in_flight is {self.in_flight}: a run that explores needs {LEAST_IN_FLIGHT} rows"
            )


def rows_in_flight(best_of: int, explore: int | None = None) -> int:
    """Rows at once that keep an engine's batch full, where each samples `best_of` candidates."""
    least = 1 if explore is None else LEAST_IN_FLIGHT
    return max(least, -(-CANDIDATES_IN_FLIGHT // best_of))


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
