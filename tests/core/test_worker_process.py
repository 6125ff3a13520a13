"""A worker process is started when it is needed, and killed where it does not answer."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from typing import IO

import pytest

from bestofn.core.worker_process import WorkerProcess

pytestmark = pytest.mark.model  # processes of its own


def _line(pipe: IO[bytes]) -> str:
    line = pipe.readline()
    if not line.endswith(b"\n"):
        raise EOFError
    return line.decode().strip()


@pytest.fixture
def worker() -> Iterator[WorkerProcess]:
    made = WorkerProcess("tests.support.answering_worker", _line, start_seconds=30)
    yield made
    made.close()


def _asked(worker: WorkerProcess, line: bytes = b"who\n", seconds: float = 30) -> int:
    worker.send(line)
    return int(worker.receive(seconds))


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_one_process_answers_all_and_is_gone_when_it_is_closed(worker: WorkerProcess) -> None:
    first = _asked(worker)
    assert first != os.getpid()
    assert _asked(worker) == first
    worker.close()
    assert not _runs(first)
    worker.close()


def test_one_that_does_not_answer_is_killed_and_the_next_is_another(worker: WorkerProcess) -> None:
    first = _asked(worker)
    began = time.monotonic()
    with pytest.raises(EOFError):
        _asked(worker, b"hang\n", 0.1)
    assert time.monotonic() - began < 20
    assert _asked(worker) != first
    assert not _runs(first)


def test_half_an_answer_is_none(worker: WorkerProcess) -> None:
    with pytest.raises(EOFError):
        _asked(worker, b"end\n")
    assert _asked(worker) > 0


def test_one_that_never_gets_ready_is_killed() -> None:
    worker = WorkerProcess("timeit", _line, start_seconds=0.0)
    with pytest.raises(EOFError):
        worker.send(b"who\n")
    worker.close()
