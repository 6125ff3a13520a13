"""Processes in which filters judge long texts: pure Python holds a thread's event loop up as well
as its own, so a thread would not do. Each is started when it is first needed, and killed where one
check takes longer than `CHECK_SECONDS`.

    parent: (request and candidate, filter, filter, ...), each a pickle of its own ─► `check_worker`
    parent: ◄─ for each of them None, or why it cannot be loaded there
    parent: ◄─ one outcome for each filter that was loaded, each within `CHECK_SECONDS`

A filter that cannot be sent or loaded, as one that a script or a notebook defines, takes nothing
from the others: it alone is judged in the thread that asks.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import pickle
import queue
import time
from collections.abc import Mapping, Sequence
from typing import Any

from bestofn.core.outcome import Outcome, outcome_of
from bestofn.core.protocols import Filter
from bestofn.core.types import Candidate, Rejection, Request
from bestofn.core.worker_process import WorkerProcess

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
    suspicion ``unchecked``. One that a process cannot load is judged here, in the calling thread,
    without a limit, and so are all of them where no process gets ready. Call it from at most
    `PROCESSES` threads at once.

    Raises:
        UnsendableError: the request, or what stands in it, cannot be pickled, or not be loaded.
    """
    shown = dataclasses.replace(candidate, logprobs=None, token_ids=None)  # no filter reads them
    asked = _sent((request, shown))
    process = _IDLE.get()
    try:
        found = process.outcomes(filters, asked)
    finally:
        _IDLE.put(process)
    return [
        found[at] if at in found else outcome_of(each, request, shown)
        for at, each in enumerate(filters)
    ]


class _Process:
    """One process, used by one thread at a time."""

    def __init__(self) -> None:
        self._worker = WorkerProcess(
            "bestofn.core.check_worker", pickle.load, start_seconds=START_SECONDS
        )

    def outcomes(self, filters: Sequence[Filter], asked: bytes) -> Mapping[int, Outcome]:
        """What those say that can be loaded there, by their place."""
        sent = _sendable(filters)
        left, found = list(sent), dict[int, Outcome]()
        again = True
        while left:
            began, limit, ready = time.monotonic(), START_SECONDS, False
            try:
                self._worker.send(pickle.dumps([asked, *(sent[at] for at in left)]))
                fault, *faults = self._worker.receive(START_SECONDS)
                if fault is not None:
                    raise UnsendableError(f"the request cannot be loaded: {fault}")
                left = [at for at, why in zip(left, faults, strict=True) if why is None]
                while left:
                    began, limit, ready = time.monotonic(), CHECK_SECONDS, True
                    found[left[0]] = self._worker.receive(CHECK_SECONDS)
                    again = True
                    del left[0]
            except (EOFError, OSError, pickle.UnpicklingError):
                self._worker.close()
                late = time.monotonic() - began >= limit
                if again and not late:  # it was killed from outside, perhaps between two checks
                    again = False
                    continue
                if not ready:  # which is no filter's fault
                    return found
                why = f"took longer than {CHECK_SECONDS:g} s" if late else "ended its process"
                name = filters[left[0]].name
                detail = f"the filter {name} {why}, so nobody has checked it"
                found[left.pop(0)] = Rejection(name, UNCHECKED, detail, certain=False)
        return found


def _sendable(filters: Sequence[Filter]) -> Mapping[int, bytes]:
    """The filters that can be pickled, by their place."""
    sent = {}
    for at, each in enumerate(filters):
        with contextlib.suppress(UnsendableError):
            sent[at] = _sent(each)
    return sent


def _sent(work: Any) -> bytes:
    try:
        return pickle.dumps(work)
    except Exception as error:  # whatever an object's own pickling raises
        raise UnsendableError from error


_IDLE: queue.LifoQueue[_Process] = queue.LifoQueue()
for _ in range(PROCESSES):
    _IDLE.put(_Process())
