"""The end of a child process with its parent's, however the parent ends (kill -9 too).

die_with_parent()          first thing in the child
"""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import signal
import sys
import threading
from multiprocessing.process import BaseProcess

PR_SET_PDEATHSIG = 1
"""Of prctl(2): the signal that this process gets when its parent ends."""


def die_with_parent() -> None:
    """Make this process, if `multiprocessing` started it, end when its parent does.

    The kernel sees to it on Linux, a thread elsewhere. In a process that nothing of Python's
    started, a server or a command, it does nothing.
    """
    parent = multiprocessing.parent_process()
    if parent is None or parent.pid is None:
        return
    if sys.platform == "linux":
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0) == 0:
            if os.getppid() != parent.pid:  # it ended before this line
                os.kill(os.getpid(), signal.SIGKILL)
            return
    threading.Thread(target=_outlast, args=[parent], daemon=True).start()


def _outlast(parent: BaseProcess) -> None:
    parent.join()
    os._exit(1)
