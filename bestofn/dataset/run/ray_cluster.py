"""The Ray cluster of a run: joined, or started and ended with the run; what it has room for.

A cluster that was started here leaves nothing behind, also where the run is interrupted: Ray's own
shutdown does not wait for the agents beside its daemons.
"""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from bestofn.core.errors import ConfigError
from bestofn.dataset.run.options import Cluster
from bestofn.support.error_text import first_line

LAST_WORDS = 3.0
"""Seconds that Ray's processes have to end by themselves before they are killed."""


@contextlib.contextmanager
def cluster_of(cluster: Cluster, tell: Callable[[str], None]) -> Iterator[Callable[[], str]]:
    """Connect to a cluster; yields what says, in a sentence, what a run waits for.

    Args:
        cluster: what of it a run takes.
        tell: is told where the cluster has no room for all of its workers.

    Raises:
        ConfigError: Ray is not installed or cannot be reached, or the cluster was started here, so
            that it does not grow, and has no room for a single worker.
    """
    # Read when Ray is first imported: its threads that still read when a cluster is let go of would
    # start another one to ask.
    os.environ.setdefault("RAY_ENABLE_AUTO_CONNECT", "0")
    try:
        import ray
        from ray.exceptions import RayError
    except ImportError as error:
        raise ConfigError(
            "the engine ray needs Ray: pip install 'bestofn-middleware[ray]'"
        ) from error
    joined = ray.is_initialized()
    before = _children()
    started: set[Any] = set()
    try:
        try:
            ray.init(
                cluster.address,
                ignore_reinit_error=True,
                log_to_driver=False,
                logging_level=logging.ERROR,
            )
        except (ConnectionError, RayError, ValueError, RuntimeError) as error:
            raise ConfigError(f"the Ray cluster cannot be reached: {first_line(error)}") from error
        started = _children() - before
        machines = _of_the_living(ray.nodes())  # type: ignore[no-untyped-call]
        room = workers_with_room(cluster, machines)
        if room < cluster.actors:
            sentence = f"{_asked(cluster)}; {_there(ray)}, which is room for {room}"
            if not room and started:
                raise ConfigError(sentence)
            tell(sentence)
        yield (
            lambda: (
                f"no row is done yet: {_asked(cluster)} and loads its models first; {_there(ray)}"
            )
        )
    finally:
        if not joined:
            own = started | (_children() - before)
            # What still reads is told so by Ray's errors, which Ray logs with their tracebacks.
            logging.getLogger("ray.data").setLevel(logging.CRITICAL)
            ray.shutdown()
            _end(own)


def workers_with_room(cluster: Cluster, machines: Sequence[Mapping[str, float]]) -> int:
    """How many workers find room on these machines, each on one of them.

    Args:
        cluster: what a worker asks for.
        machines: what each has, by Ray's names.
    """
    asked = {"CPU": cluster.cpus, "GPU": cluster.gpus}
    asked = {name: count for name, count in asked.items() if count}
    if not asked:
        return cluster.actors
    return sum(
        min(int(machine.get(name, 0.0) / count) for name, count in asked.items())
        for machine in machines
    )


def _asked(cluster: Cluster) -> str:
    many = "workers ask" if cluster.actors > 1 else "worker asks"
    gpus = f" and {cluster.gpus:g} GPU" if cluster.gpus else ""
    return f"{cluster.actors} {many} for {cluster.cpus:g} CPU{gpus} each"


def _there(ray: Any) -> str:
    """What the cluster has, and what of it is free."""
    has, free = ray.cluster_resources(), ray.available_resources()
    parts = (f"{has.get(n, 0):g} {n} ({free.get(n, 0):g} free)" for n in ("CPU", "GPU"))
    return f"the cluster has {' and '.join(parts)}"


def _of_the_living(nodes: Sequence[Mapping[str, Any]]) -> list[Mapping[str, float]]:
    return [node["Resources"] for node in nodes if node["Alive"]]


def _children() -> set[Any]:
    """The processes below this one."""
    import psutil

    return set(psutil.Process().children(recursive=True))


def _end(processes: set[Any]) -> None:
    """Wait for processes to end, and kill those that do not."""
    import psutil

    _, alive = psutil.wait_procs(list(processes), timeout=LAST_WORDS)
    for each in alive:
        with contextlib.suppress(psutil.NoSuchProcess):
            each.kill()
    psutil.wait_procs(alive, timeout=LAST_WORDS)
