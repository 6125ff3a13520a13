"""A worker process on a pipe: started when it is first needed, killed where an answer does not come
in time.

    worker = WorkerProcess("bestofn.core.check_worker", pickle.load, start_seconds=30)
    worker.send(pickle.dumps(work))
    answer = worker.receive(10)          # EOFError: it was killed; the next send starts another

What is pure Python and may take for ever can be stopped in no other way: a thread cannot be ended,
and holds the interpreter's lock meanwhile.
"""

from __future__ import annotations

import atexit
import contextlib
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import IO, Any


class WorkerProcess:
    """One process, used by one thread at a time; it ends with this one.

    Args:
        module: run as ``python -m``. It answers once when it is ready, and then whatever it is
            sent, on its standard output; at the end of its standard input it ends.
        read: the next answer from a pipe; it raises EOFError where the pipe has ended.
        start_seconds: that it may take until it is ready.
    """

    def __init__(
        self, module: str, read: Callable[[IO[bytes]], Any], *, start_seconds: float
    ) -> None:
        self._module = module
        self._read = read
        self._start_seconds = start_seconds
        self._process: subprocess.Popen[bytes] | None = None
        atexit.register(self.close)

    def send(self, data: bytes) -> None:
        """Give it something to do; it is started where it does not run.

        Raises:
            EOFError: it does not get ready in time.
            OSError: it cannot be started, or has just ended.
        """
        if self._process is None or self._process.poll() is not None:
            self.close()
            self._process = subprocess.Popen(
                [sys.executable, "-m", self._module],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                start_new_session=True,  # Ctrl-C is for the parent
            )
            self.receive(self._start_seconds)
        assert self._process.stdin is not None
        self._process.stdin.write(data)
        self._process.stdin.flush()

    def receive(self, seconds: float) -> Any:
        """The next answer.

        A timer kills the process, rather than that the pipe is polled, which not every system can.

        Raises:
            EOFError: none came in time, or it ended.
            Exception: whatever else `read` makes of half an answer.
        """
        assert self._process is not None
        assert self._process.stdout is not None
        timer = threading.Timer(seconds, self._process.kill)
        timer.daemon = True
        timer.start()
        try:
            return self._read(self._process.stdout)
        except BaseException:
            self.close()  # it may be about to end, and would take what is sent next along
            raise
        finally:
            timer.cancel()

    def close(self) -> None:
        """Kill the process, if there is one."""
        if self._process is None:
            return
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):  # what was not written has no reader
                    pipe.close()
        self._process = None
