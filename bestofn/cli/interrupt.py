"""Ctrl-C and SIGTERM: the command winds up, and if it cannot, the process ends all the same."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator
from typing import Never

GRACE = 10.0
"""Seconds that a command has to shut its engines down."""

_LAST_WORDS = 2.0
"""Seconds that a child process has to end by itself before it is killed."""

_SHOW_CURSOR = b"\x1b[?25h"
"""ECMA-48's DECTCEM, on: a progress display may have hidden the cursor."""


class Terminated(KeyboardInterrupt):
    """SIGTERM: what `docker stop`, Kubernetes, Slurm and `timeout` send first."""


def ended_by(error: KeyboardInterrupt) -> tuple[int, str]:
    """The exit code, as shells count it (128 and the signal), and the word for what came."""
    if isinstance(error, Terminated):
        return 128 + signal.SIGTERM, "terminated"
    return 128 + signal.SIGINT, "interrupted"


@contextlib.contextmanager
def ending_on_interrupt() -> Iterator[None]:
    """Make Ctrl-C raise KeyboardInterrupt at once and end the process within `GRACE` seconds, and
    SIGTERM the same with `Terminated`: the first process of a container is not ended by it
    otherwise.

    asyncio's own handler only cancels the task, which a start that blocks for a minute would not
    notice; and an exception raised anywhere may be swallowed where it is raised. Seen with vLLM: in
    the moment after it has started its engine process an interrupt leaves the two waiting for each
    other for ever, and while it inspects a model an interrupt becomes an error of that model. So a
    thread waits too, a second Ctrl-C does not wait at all, and whatever comes out of the block
    after an interrupt is that interrupt.
    """
    stderr = os.dup(2)  # before anybody redirects it
    came: list[KeyboardInterrupt] = []

    def interrupt(number: int, _: object) -> Never:
        error = Terminated() if number == signal.SIGTERM else KeyboardInterrupt()
        if came:
            _end(stderr, error)
        came.append(error)
        ending = threading.Timer(GRACE, _end, [stderr, error])
        ending.daemon = True
        ending.start()
        raise error

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, interrupt)
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=lambda: _end_at_once(interrupt))
    try:
        yield
    except Exception as error:
        if came:
            raise came[0] from error
        raise
    if came:
        raise came[0]


def _end_at_once(handler: object) -> None:
    """Let SIGTERM end this process where `handler` takes it: a fork is ended by who forked it."""
    if signal.getsignal(signal.SIGTERM) is handler:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _end(stderr: int, error: KeyboardInterrupt) -> Never:
    """End the child processes and this one, with the code of `ended_by`."""
    children = multiprocessing.active_children()
    for child in children:
        child.terminate()
    for child in children:
        child.join(_LAST_WORDS)
        child.kill()
    code, word = ended_by(error)
    try:
        if os.isatty(stderr):
            os.write(stderr, _SHOW_CURSOR)
        os.write(stderr, f"bestofn: {word}\n".encode())
    except OSError:  # who reads it has ended too (`2>&1 | tee log`)
        pass
    finally:
        os._exit(code)
