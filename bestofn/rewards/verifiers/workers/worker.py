"""A worker process seen from here: started, asked over a pipe, killed."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from multiprocessing import Pipe
from pathlib import Path
from typing import Any

from bestofn.core.no_winner import RewardError

START_SECONDS = 120.0
"""Until a check is imported, at most: its libraries may be heavy, and the machine busy."""


@dataclass(frozen=True, slots=True)
class Job:
    """What a worker is started for.

    Args:
        path: of the check, ``package.module:function``.
        options: keyword arguments of each call.
        seconds: that one call may take.
        memory_bytes: of its address space, at most; None: no limit.
    """

    path: str
    options: Mapping[str, Any] = field(default_factory=dict)
    seconds: float = 10.0
    memory_bytes: int | None = None


class Worker:
    """A Python process of its own with the check imported, in a session of its own.

    It is started as a command and not forked, which would copy the locks of other threads, nor
    spawned by `multiprocessing`, which would import the user's script once more. It sees the same
    `sys.path`. It ends when this process does.

    Args:
        job: what it is for.

    Raises:
        RewardError: it does not come up, or cannot import the check.
    """

    def __init__(self, job: Job) -> None:
        self._job = job
        self._connection, theirs = Pipe()
        command = [sys.executable, "-P", "-m", "bestofn.rewards.verifiers.workers.worker_main"]
        seen = (each or str(Path.cwd()) for each in sys.path)  # '' is the current directory
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(seen)}
        with theirs:
            self._process = subprocess.Popen(
                [*command, str(theirs.fileno()), job.path],
                stdin=subprocess.DEVNULL,
                env=environment,
                pass_fds=[theirs.fileno()],
                start_new_session=True,
            )
        trouble: str | None = f"not ready after {START_SECONDS:.0f} s"
        try:
            self._connection.send((dict(job.options), job.seconds, job.memory_bytes or 0))
            if self._connection.poll(START_SECONDS):
                trouble = self._connection.recv()
        except (EOFError, OSError):
            trouble = self._ending()
        except BaseException:
            self.kill()
            raise
        if trouble is not None:
            self.kill()
            raise RewardError(f"the worker process of {job.path} does not start: {trouble}")

    @property
    def alive(self) -> bool:
        """Whether it can be asked."""
        return not self._connection.closed and not self._connection.poll()  # no end of file yet

    def ask(self, request: Any, candidate: Any) -> Any:
        """The check's verdict. After an error other than `RewardError` it is of no use any more.

        Raises:
            RewardError: the check raised, or its verdict or the question cannot be pickled.
            TimeoutError: it took too long.
            ChildProcessError: the process died.
        """
        try:
            self._connection.send((request, candidate))
            if not self._connection.poll(self._job.seconds):
                raise TimeoutError(f"no verdict after {self._job.seconds:g} s")
            verdict, trouble = self._connection.recv()
        except TimeoutError:
            raise
        except (EOFError, OSError) as error:
            raise ChildProcessError(self._ending()) from error
        except Exception as error:  # pickle's are of many classes
            raise RewardError(f"{type(error).__name__}: {error}") from error
        if trouble is not None:
            raise RewardError(trouble)
        return verdict

    def interrupt(self) -> None:
        """Let it die, whatever it does; from any thread. Its caller then finds it dead."""
        if self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)

    def kill(self) -> None:
        """End it, with all that its check started in its session; safe to call twice."""
        self.interrupt()
        self._process.wait()
        self._connection.close()

    def _ending(self) -> str:
        self.kill()  # it is dead, or its connection is: the status of a dead one stays
        return f"it ended with status {self._process.returncode}"
