"""A dataset run on a Ray cluster: Ray Data streams rows through pipelines, one in each actor.

The driver reads what the actors make and writes it, so the folder, the resume and the records are
those of a run on one machine. Lost actors are started again, and the rows they held sampled again.
A cluster that was started for the run ends with it (ray_cluster.py).
"""

from __future__ import annotations

import asyncio
import contextlib
import pickle
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from bestofn.core.errors import DatasetError
from bestofn.core.pipeline import Pipeline
from bestofn.dataset.prompts.rows import Row
from bestofn.dataset.run.counts import Counts
from bestofn.dataset.run.options import Cluster, RunOptions
from bestofn.dataset.run.ray_cluster import cluster_of
from bestofn.dataset.run.reading import counted
from bestofn.dataset.run.recorder import Recorder, Watch
from bestofn.dataset.run.row_runner import FinishedRow, RowRunner
from bestofn.dataset.store.store import Store
from bestofn.support.error_text import first_line

if TYPE_CHECKING:
    import pyarrow

OpenPipeline = Callable[[], contextlib.AbstractAsyncContextManager[Pipeline]]
"""Opens a pipeline, in an actor: it has to be picklable."""

ReadRows = Callable[[], Iterator[Row]]
"""Reads the input from its beginning, in a worker of the cluster: likewise."""

BATCH = 4
"""Rows that an actor is given at once. Small, since a batch ends with its slowest row."""

PATIENCE = 60.0
"""Seconds without a row after which a run says what it is waiting for."""


async def run_on_ray(
    read: ReadRows,
    store: Store,
    opening: OpenPipeline,
    cluster: Cluster,
    options: RunOptions | None = None,
    *,
    watch: Watch | None = None,
    tell: Callable[[str], None] = lambda sentence: None,
) -> Counts:
    """Sample every row that is not finished yet, on a cluster; see `bestofn.dataset.run.local.run`.

    Args:
        read: reads the input; it is read once here, for the keys, and once on the cluster.
        store: where records go, on this machine.
        opening: opens the pipeline of an actor.
        cluster: what is taken of the cluster.
        options: how it is worked on.
        watch: is told how far it is.
        tell: is told, in a sentence, what the cluster has no room for, and why nothing is done yet.

    Returns:
        What was done in this session.

    Raises:
        ConfigError: Ray is not installed or cannot be reached, no machine of a cluster that does
            not grow has room for a worker, the input cannot be read, or is not that of the run in
            the store.
        DatasetError: as `run`; also, the cluster failed.
    """
    options = options or RunOptions()
    recorder = Recorder(store, options.failures_in_a_row, watch)
    try:
        total, missing = await asyncio.to_thread(
            _missing, read, store, recorder.counts, options.failures_in_a_row
        )
        if missing:
            with cluster_of(cluster, tell) as waiting_for:
                batches = _run_on_cluster(read, missing, opening, cluster, options)
                async for batch in _told_to_wait(batches, waiting_for, tell):
                    await recorder.record(batch)
            await recorder.end()
            left = sum(not store.has(number) for part in missing for number in part)
            if left:
                raise DatasetError(f"the cluster returned nothing for {left:,} rows")
    except BaseException:
        store.add_session(recorder.session())
        raise
    store.finish(total, recorder.session())
    return recorder.counts


async def _told_to_wait(
    batches: Iterator[Iterable[FinishedRow]],
    waiting_for: Callable[[], str],
    tell: Callable[[str], None],
) -> AsyncIterator[Iterable[FinishedRow]]:
    """The batches; until the first has come, every minute a sentence that says why."""
    started = False
    while True:
        task = asyncio.ensure_future(asyncio.to_thread(next, batches, None))
        while not started and not (await asyncio.wait([task], timeout=PATIENCE))[0]:
            tell(await asyncio.to_thread(waiting_for))
        started = True
        batch = await task
        if batch is None:
            return
        yield batch


def _missing(
    read: ReadRows, store: Store, counts: Counts, most_unreadable: int
) -> tuple[int, list[range]]:
    """How many rows there are, and the numbers of those that are not finished, in order."""
    missing: list[range] = []
    number = -1
    for row in counted(read(), counts, most_unreadable):
        number = row.number
        if store.has(number):
            store.check_key(number, row.key, row.source)
            counts.skipped += 1
        elif missing and missing[-1].stop == number:
            missing[-1] = range(missing[-1].start, number + 1)
        else:
            missing.append(range(number, number + 1))
    return number + 1, missing


def _run_on_cluster(
    read: ReadRows,
    wanted: Sequence[range],
    opening: OpenPipeline,
    cluster: Cluster,
    options: RunOptions,
) -> Iterator[Iterable[FinishedRow]]:
    import ray
    from ray.data import ActorPoolStrategy, DataContext
    from ray.exceptions import RayError

    context = DataContext.get_current()
    context.enable_progress_bars = False
    # Blocks stay as small as they are made: one of the usual size would go to one actor whole.
    context.target_max_block_size = 1
    calls = -(-options.in_flight // BATCH)
    try:
        # The workers may hold every CPU there is: what reads takes none.
        dataset = ray.data.read_datasource(
            _source(read, wanted), override_num_blocks=1, ray_remote_args={"num_cpus": 0}
        ).map_batches(
            _Worker,
            fn_constructor_args=[opening, options.row_timeout],
            batch_size=BATCH,
            compute=ActorPoolStrategy(
                min_size=cluster.actors,
                max_size=max(cluster.actors, cluster.most_actors),
                max_tasks_in_flight_per_actor=2 * calls,
                max_concurrent_calls_per_actor=calls,
            ),
            num_cpus=cluster.cpus,
            num_gpus=cluster.gpus,
            max_restarts=-1,
            max_task_retries=-1,
        )
        for batch in dataset.iter_batches(batch_size=None, prefetch_batches=4):
            yield [pickle.loads(each) for each in batch["finished"]]
    except RayError as error:
        raise DatasetError(
            f"the cluster failed: {first_line(error)}; what was finished is kept: the same command "
            "goes on from there"
        ) from error


class _Worker:
    """A pipeline in an actor of Ray Data, which calls it with batches, several at a time."""

    def __init__(self, opening: OpenPipeline, row_timeout: float | None) -> None:
        self._opening = opening
        self._row_timeout = row_timeout
        self._lock = asyncio.Lock()
        self._stack = contextlib.AsyncExitStack()
        self._runner: RowRunner | None = None

    async def __call__(self, batch: Mapping[str, Any]) -> AsyncIterator[dict[str, list[bytes]]]:
        runner = await self._opened()
        rows: list[Row] = [pickle.loads(each) for each in batch["row"]]
        tasks = [asyncio.ensure_future(runner.run(row)) for row in rows]
        for done in asyncio.as_completed(tasks):
            yield {"finished": [pickle.dumps(await done)]}

    async def _opened(self) -> RowRunner:
        async with self._lock:
            if self._runner is None:
                pipeline = await self._stack.enter_async_context(self._opening())
                self._runner = RowRunner(pipeline, self._row_timeout)
            return self._runner


def _source(read: ReadRows, wanted: Sequence[range]) -> Any:
    """The rows of these numbers as a source of Ray Data: one task that streams them."""
    from ray.data import Datasource, ReadTask
    from ray.data.block import BlockMetadata

    class Rows(Datasource):
        def estimate_inmemory_data_size(self) -> int | None:
            return None

        def get_read_tasks(self, parallelism: int, *_: Any, **__: Any) -> list[Any]:
            known = BlockMetadata(
                num_rows=sum(map(len, wanted)), size_bytes=None, exec_stats=None, input_files=None
            )
            return [ReadTask(lambda: _blocks(read, wanted), known)]

    return Rows()  # type: ignore[no-untyped-call]


def _blocks(read: ReadRows, wanted: Sequence[range]) -> Iterator[pyarrow.Table]:
    import pyarrow as pa

    held: list[bytes] = []
    ahead = iter(wanted)
    part = next(ahead, range(0))
    for row in read():
        while part and row.number >= part.stop:
            part = next(ahead, range(0))
        if row.number in part:
            held.append(pickle.dumps(row))
        if len(held) == BATCH:
            yield pa.table({"row": held})
            held = []
    if held:
        yield pa.table({"row": held})
