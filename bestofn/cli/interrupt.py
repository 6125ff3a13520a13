"""Ctrl-C: the command winds up, and if it cannot, the process ends all the same."""

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


@contextlib.contextmanager
def ending_on_interrupt() -> Iterator[None]:
    """Make Ctrl-C raise KeyboardInterrupt at once and end the process within `GRACE` seconds.

    asyncio's own handler only cancels the task, which a start that blocks for a minute would not
    notice; and an exception raised anywhere may be swallowed where it is raised. Seen with vLLM: in
    the moment after it has started its engine process an interrupt leaves the two waiting for each
    other for ever, and while it inspects a model an interrupt becomes an error of that model. So a
    thread waits too, a second Ctrl-C does not wait at all, and whatever comes out of the block
    after an interrupt is a KeyboardInterrupt.
    """
    stderr = os.dup(2)  # before anybody redirects it
    ending = threading.Timer(GRACE, _end, [stderr])
    ending.daemon = True

    def interrupt(*_: object) -> Never:
        if ending.is_alive():
            _end(stderr)
        ending.start()
        raise KeyboardInterrupt

    signal.signal(signal.SIGINT, interrupt)
    try:
        yield
    except Exception as error:
        if ending.is_alive():
            raise KeyboardInterrupt from error
        raise
    if ending.is_alive():
        raise KeyboardInterrupt


def _end(stderr: int) -> Never:
    """End the child processes and this one, as `128 + SIGINT`."""
    children = multiprocessing.active_children()
    for child in children:
        child.terminate()
    for child in children:
        child.join(_LAST_WORDS)
        child.kill()
    if os.isatty(stderr):
        os.write(stderr, _SHOW_CURSOR)
    os.write(stderr, b"bestofn: interrupted\n")
    os._exit(130)
