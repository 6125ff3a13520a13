"""A process with a child of multiprocessing, which prints both ids and then waits."""

from __future__ import annotations

import multiprocessing
import os
import sys
import time


def child(guarded: bool) -> None:
    if guarded:
        from bestofn.support.parent_death import die_with_parent

        die_with_parent()
    print(os.getpid(), flush=True)
    time.sleep(60)


if __name__ == "__main__":
    multiprocessing.set_start_method(sys.argv[1])
    multiprocessing.Process(target=child, args=[sys.argv[2] == "guarded"]).start()
    time.sleep(60)
