"""How a command ends: what a Ctrl-C or SIGTERM leaves on the console."""

from __future__ import annotations

import asyncio
import errno
import gc
import logging
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer

from bestofn.cli.interrupt import Terminated, ending_on_interrupt
from bestofn.cli.running import exit_codes, run_to_end

ENDING = (signal.SIGINT, signal.SIGTERM)


@pytest.fixture(autouse=True)
def _handlers() -> Iterator[None]:
    """What the signals do is taken back."""
    before = {number: signal.getsignal(number) for number in ENDING}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


async def _interrupted_in_a_task(number: int) -> None:
    async def work() -> None:
        os.kill(os.getpid(), number)
        await asyncio.sleep(0)

    task = asyncio.create_task(work())
    await asyncio.sleep(10)
    await task


@pytest.mark.parametrize(
    ("number", "raised", "code", "said"),
    [
        (signal.SIGINT, KeyboardInterrupt, 130, "bestofn: interrupted\n"),
        (signal.SIGTERM, Terminated, 143, "bestofn: terminated\n"),
    ],
)
def test_an_interrupt_that_went_through_a_task_is_told_once(
    number: int,
    raised: type[BaseException],
    code: int,
    said: str,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("bestofn.cli.interrupt.threading.Timer", _Timer)
    with (
        caplog.at_level(logging.DEBUG, "asyncio"),
        pytest.raises(typer.Exit) as ended,
        exit_codes(),
    ):
        run_to_end(_interrupted_in_a_task(number))
    gc.collect()
    assert [each for each in caplog.records if each.levelno >= logging.WARNING] == []
    assert type(ended.value.__cause__) is raised
    assert ended.value.exit_code == code
    assert capsys.readouterr().err == said


def test_sigterm_ends_a_fork_of_a_command_as_if_nobody_took_it() -> None:
    forking = multiprocessing.get_context("fork")
    runs = forking.Event()

    def work() -> None:
        runs.set()
        time.sleep(60)

    with ending_on_interrupt():
        fork = forking.Process(target=work)
        fork.start()
        assert runs.wait(30)
        fork.terminate()
        fork.join(30)
    assert fork.exitcode == -signal.SIGTERM


@pytest.mark.parametrize("swallowed", [ValueError, None])
def test_an_interrupt_that_was_swallowed_ends_the_command_all_the_same(
    swallowed: type[Exception] | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bestofn.cli.interrupt.threading.Timer", _Timer)

    def command() -> None:
        try:
            os.kill(os.getpid(), signal.SIGTERM)
        except KeyboardInterrupt:
            if swallowed is not None:
                raise swallowed from None

    with pytest.raises(Terminated), ending_on_interrupt():
        command()


def test_what_nobody_awaited_is_still_logged(caplog: pytest.LogCaptureFixture) -> None:
    async def fail() -> None:
        raise ValueError("lost")

    async def command() -> None:
        task = asyncio.create_task(fail())
        await asyncio.sleep(0)
        del task
        gc.collect()

    with caplog.at_level(logging.ERROR, "asyncio"):
        run_to_end(command())
    assert "never retrieved" in caplog.text


class _Timer:
    """A timer that is never due, so that the test's own process is not ended."""

    daemon = False

    def __init__(self, *_: object) -> None:
        pass

    def start(self) -> None:
        pass


@pytest.mark.parametrize(
    ("variables", "shown"),
    [({}, "2 × 3 ·".encode()), ({"PYTHONIOENCODING": "ascii"}, rb"2 \xd7 3 \xb7")],
)
def test_an_encoding_that_lacks_a_character_stops_nothing(
    variables: dict[str, str], shown: bytes
) -> None:
    code = (
        "from bestofn.cli.output import take_every_character\n"
        "take_every_character()\n"
        "print('2 \\xd7 3 \\xb7')\n"
        "print('name \\udcff')"
    )
    plain = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", **variables}
    said = subprocess.check_output(
        [sys.executable, "-c", code], env={**os.environ, **plain}
    ).splitlines()
    assert said == [shown, rb"name \udcff"]


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("-m", "bestofn", "config", "check", "nowhere.yaml"), 2),
        (("-c", "from bestofn.cli.interrupt import _end, Terminated; _end(2, Terminated())"), 143),
    ],
)
def test_what_nobody_reads_any_more_changes_no_exit_code(
    arguments: tuple[str, ...], code: int
) -> None:
    """Ctrl-C ends the `tee` behind a command, too."""
    read, write = os.pipe()
    os.close(read)
    ended = subprocess.run([sys.executable, *arguments], stderr=write, check=False, timeout=60)
    os.close(write)
    assert ended.returncode == code


def test_a_file_that_may_not_be_read_is_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(typer.Exit) as ended, exit_codes():
        raise PermissionError(errno.EACCES, "Permission denied", "/closed/in.jsonl")
    assert ended.value.exit_code == 2
    assert capsys.readouterr().err == "bestofn: /closed/in.jsonl: Permission denied\n"


@pytest.mark.long
@pytest.mark.parametrize("said", ["config init", "--help", "--version"])
def test_a_full_console_is_one_sentence(said: str) -> None:
    command = [sys.executable, "-m", "bestofn", *said.split()]
    with Path("/dev/full").open("w") as full:
        ended = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True)
    assert ended.returncode == 1
    assert ended.stderr == ("bestofn: standard output cannot be written: No space left on device\n")
