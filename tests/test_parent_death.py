"""A child process that ends with its parent, however that ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import psutil
import pytest

from bestofn.support.parent_death import die_with_parent

pytestmark = pytest.mark.model


@pytest.mark.parametrize("method", ["spawn", "fork"])
@pytest.mark.parametrize("guarded", [True, False])
def test_a_killed_parent_takes_its_child_along(method: str, guarded: bool) -> None:
    command = [sys.executable, "-m", "tests.support.orphans", method, ["bare", "guarded"][guarded]]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        child = psutil.Process(int(parent.stdout.readline()))
        try:
            parent.kill()
            started = time.monotonic()
            while child.is_running() and child.status() != "zombie":
                if time.monotonic() - started > (5 if guarded else 0.3):
                    break
                time.sleep(0.01)
            assert (child.is_running() and child.status() != "zombie") is not guarded
        finally:
            if child.is_running():
                os.kill(child.pid, signal.SIGKILL)


def test_a_process_that_nothing_of_python_started_is_left_alone() -> None:
    die_with_parent()  # this one; with the signal set, ending pytest's parent would end pytest
    import ctypes

    found = ctypes.c_int(-1)
    assert ctypes.CDLL(None).prctl(2, ctypes.byref(found), 0, 0, 0) == 0  # PR_GET_PDEATHSIG
    assert found.value == 0
