"""How a command ends: what a Ctrl-C leaves on the console."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from bestofn.cli.running import run_to_end


async def _interrupted_in_a_task() -> None:
    async def work() -> None:
        os.kill(os.getpid(), signal.SIGINT)
        await asyncio.sleep(0)

    task = asyncio.create_task(work())
    await asyncio.sleep(10)
    await task


def test_an_interrupt_that_went_through_a_task_is_not_logged_a_second_time(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bestofn.cli.interrupt.threading.Timer", _Timer)
    before = signal.getsignal(signal.SIGINT)
    try:
        with caplog.at_level(logging.DEBUG, "asyncio"), pytest.raises(KeyboardInterrupt):
            run_to_end(_interrupted_in_a_task())
        gc.collect()
    finally:
        signal.signal(signal.SIGINT, before)
    assert [each for each in caplog.records if each.levelno >= logging.WARNING] == []


def test_what_nobody_awaited_is_still_logged(caplog: pytest.LogCaptureFixture) -> None:
    before = signal.getsignal(signal.SIGINT)

    async def fail() -> None:
        raise ValueError("lost")

    async def command() -> None:
        task = asyncio.create_task(fail())
        await asyncio.sleep(0)
        del task
        gc.collect()

    try:
        with caplog.at_level(logging.ERROR, "asyncio"):
            run_to_end(command())
    finally:
        signal.signal(signal.SIGINT, before)
    assert "never retrieved" in caplog.text


class _Timer:
    """A timer that is never due, so that the test's own process is not ended."""

    daemon = False

    def __init__(self, *_: object) -> None:
        self.started = False

    def start(self) -> None:
        self.started = True

    def is_alive(self) -> bool:
        return self.started


@pytest.mark.long
@pytest.mark.parametrize("said", ["config init", "--help", "--version"])
def test_a_full_console_is_one_sentence(said: str) -> None:
    command = [sys.executable, "-m", "bestofn", *said.split()]
    with Path("/dev/full").open("w") as full:
        ended = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True)
    assert ended.returncode == 1
    assert ended.stderr == ("bestofn: standard output cannot be written: No space left on device\n")
