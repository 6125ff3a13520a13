"""Processes in which filters judge long texts: pure Python holds a thread's event loop up as well
as its own, so a thread would not do. Each is started when it is first needed, and killed where one
check takes longer than `CHECK_SECONDS`.

    parent: pickle (filters, request, candidate) ─► `check_worker`
    parent: ◄─ "loaded", once what they need is imported
    parent: ◄─ one outcome a filter, each within `CHECK_SECONDS`
"""

from __future__ import annotations

import dataclasses
import os
import pickle
import queue
import time
from collections.abc import Sequence
from typing import Any

from bestofn.core.protocols import Filter
from bestofn.core.types import Candidate, Failure, Rejection, Request
from bestofn.core.worker_process import WorkerProcess

Outcome = Rejection | Failure | None
"""What a filter says of a candidate: a rejection, that it raised, or nothing."""

UNCHECKED = "unchecked"
"""The reason of the suspicion of a candidate that a filter could not judge in time."""

CHECK_SECONDS = 10.0
"""Longest time that one filter may take for one candidate: four times what the slowest takes for a
million characters that are made to be slow (`python -m benchmarks.filter_times`)."""

START_SECONDS = 30.0
"""Longest time that a process may take to start, and to load the filters that it is sent."""

PROCESSES = max(1, min(4, os.cpu_count() or 1))
"""How many there are at most."""


class UnsendableError(Exception):
    """What is to be judged cannot be sent to another process."""


def outcomes(
    filters: Sequence[Filter], request: Request, candidate: Candidate
) -> Sequence[Outcome]:
    """What each filter says, in their order; blocks until all have, or were stopped.

    A filter that takes longer than `CHECK_SECONDS`, or that ends its process twice, leaves the
    suspicion ``unchecked``. Call it from at most `PROCESSES` threads at once.

    Raises:
        UnsendableError: a filter, or what stands in the request, cannot be pickled.
    """
    shown = dataclasses.replace(candidate, logprobs=None, token_ids=None)  # no filter reads them
    process = _IDLE.get()
    try:
        return process.outcomes(list(filters), request, shown)
    finally:
        _IDLE.put(process)


class _Process:
    """One process, used by one thread at a time."""

    def __init__(self) -> None:
        self._worker = WorkerProcess(
            "bestofn.core.check_worker", pickle.load, start_seconds=START_SECONDS
        )

    def outcomes(
        self, filters: list[Filter], request: Request, candidate: Candidate
    ) -> list[Outcome]:
        found: list[Outcome] = []
        again = True
        while len(found) < len(filters):
            began = time.monotonic()
            try:
                self._worker.send(_sent((filters[len(found) :], request, candidate)))
                self._worker.receive(START_SECONDS)
                while len(found) < len(filters):
                    began = time.monotonic()
                    found.append(self._worker.receive(CHECK_SECONDS))
                    again = True
            except (EOFError, OSError, pickle.UnpicklingError):
                self._worker.close()
                late = time.monotonic() - began >= CHECK_SECONDS
                if again and not late:  # it was killed from outside, perhaps between two checks
                    again = False
                    continue
                why = f"took longer than {CHECK_SECONDS:g} s" if late else "ended its process"
                name = filters[len(found)].name
                detail = f"the filter {name} {why}, so nobody has checked it"
                found.append(Rejection(name, UNCHECKED, detail, certain=False))
        return found


def _sent(work: Any) -> bytes:
    try:
        return pickle.dumps(work)
    except Exception as error:  # whatever an object's own pickling raises
        raise UnsendableError from error


_IDLE: queue.LifoQueue[_Process] = queue.LifoQueue()
for _ in range(PROCESSES):
    _IDLE.put(_Process())
