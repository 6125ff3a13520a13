"""A pool of worker processes for one check: started when needed, kept, killed at the timeout."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from bestofn.core.no_winner import RewardError
from bestofn.core.types import Candidate, Request
from bestofn.rewards.verifiers.workers.runners import timeout_failure
from bestofn.rewards.verifiers.workers.worker import Job, Worker


class WorkerPool:
    """Runs a check in worker processes, which start when they are needed and are kept.

    A worker is killed at the timeout, and where its caller is cancelled. It may use signals, which
    only a main thread may; it holds nobody's lock on the interpreter, and where it crashes, one
    candidate fails.

    Args:
        job: what the workers are for.
        count: workers at most.
    """

    def __init__(self, job: Job, count: int) -> None:
        self._job = job
        self._lock = threading.Lock()
        self._idle: list[Worker] = []
        self._busy: set[Worker] = set()
        self._closed = False
        self._threads = ThreadPoolExecutor(count, thread_name_prefix="bestofn-verifier")

    async def run(self, request: Request, candidate: Candidate) -> Any:
        """See `Runner`."""
        held: list[Worker] = []
        ask = partial(self._ask, request, candidate, held, cancelled := threading.Event())
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, ask)
        except asyncio.CancelledError:
            with self._lock:
                cancelled.set()
                for worker in held:
                    worker.interrupt()
            raise

    def close(self) -> None:
        """Kill the workers; what they run fails."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
            for worker in self._busy:
                worker.interrupt()
        for worker in idle:
            worker.kill()
        self._threads.shutdown(cancel_futures=True)

    def _ask(
        self,
        request: Request,
        candidate: Candidate,
        held: list[Worker],
        cancelled: threading.Event,
    ) -> Any:
        worker = self._take()
        asked = False
        try:
            with self._lock:
                if self._closed or cancelled.is_set():
                    raise RewardError("the verifier was closed, or its caller cancelled")
                self._busy.add(worker)
                held.append(worker)
                asked = True
            return worker.ask(request, candidate)
        except TimeoutError:
            worker.kill()
            return timeout_failure(self._job.seconds)
        except ChildProcessError as error:
            worker.kill()
            raise RewardError(f"its worker process died: {error}") from error
        finally:
            # One that started while its caller was cancelled is kept: where starting takes longer
            # than each caller waits, as probes of readiness do, there would never be one.
            self._give_back(worker, held, keep=not (asked and cancelled.is_set()))

    def _take(self) -> Worker:
        with self._lock:
            idle, self._idle = self._idle, []
            living = [worker for worker in idle if worker.alive]
            self._idle = living[1:]
        for worker in idle:
            if worker not in living:
                worker.kill()
        return living[0] if living else Worker(self._job)

    def _give_back(self, worker: Worker, held: list[Worker], *, keep: bool) -> None:
        with self._lock:
            held.clear()
            self._busy.discard(worker)
            keep = keep and not self._closed and worker.alive
            if keep:
                self._idle.append(worker)
        if not keep:
            worker.kill()
