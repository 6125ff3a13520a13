"""The main of a worker process: it imports one check, and answers every question with it."""

from __future__ import annotations

import os
import resource
import signal
import sys
from multiprocessing.connection import Connection

from bestofn.support.error_text import first_line
from bestofn.support.import_path import load_function


def main(descriptor: int, path: str) -> None:
    """Serve `path` over the connection at `descriptor` until the other end is closed.

    The first message is the options of the check, the seconds that a call may take, and the bytes
    of address space (0: no limit). The reply to it is None once the check is imported, or what went
    wrong. Where the check's module has a function `prepare`, it is called before that reply: what
    it loads is no part of the first call's time. Each further message is a request and a candidate;
    the reply is a verdict and None, or None and what went wrong.
    """
    connection = Connection(descriptor)
    os.dup2(2, 1)  # what a check prints is no reply
    try:
        options, seconds, memory = connection.recv()
        if memory:
            resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
        check = load_function(path, "verifier")
        if prepare := getattr(sys.modules.get(check.__module__), "prepare", None):
            prepare()
    except BaseException as error:  # the user's module may do anything when it is imported
        connection.send(first_line(error))
        return
    connection.send(None)
    while True:
        try:
            request, candidate = connection.recv()
        except EOFError:
            return
        # Where the other end is gone nobody ends a check that never ends: CPU time does.
        signal.setitimer(signal.ITIMER_PROF, (os.cpu_count() or 1) * seconds + 1)
        try:
            connection.send((check(request, candidate, **options), None))
        except BaseException as error:  # SystemExit too: one answer fails, and not the worker
            connection.send((None, first_line(error)))
        signal.setitimer(signal.ITIMER_PROF, 0)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
