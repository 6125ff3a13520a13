"""What a program takes is limited for all of its processes together, and nothing of it is left."""

from __future__ import annotations

import asyncio
import time

import pytest

from bestofn.rewards.verifiers.sandbox import client
from bestofn.rewards.verifiers.sandbox.forms import Form
from bestofn.rewards.verifiers.sandbox.job import Job, Limits
from tests.support.rewards.sandboxed import command_lines, passes, run, said, unique

pytestmark = pytest.mark.model

MIB = 2**20


@pytest.mark.slow
async def test_one_process_gets_no_more_memory_than_the_limit(form: Form) -> None:
    program = "try:\n    bytearray(300 * 2**20)\nexcept MemoryError:\n    print('no')"
    assert await said(program, form, limits=Limits(memory_bytes=256 * MIB)) == "no"


@pytest.mark.slow
async def test_many_processes_together_get_no_more_either(form: Form) -> None:
    program = (
        "import os, time\n"
        "for _ in range(8):\n"
        "    if os.fork() == 0:\n"
        "        held = b'x' * (60 * 2**20)\n"
        "        time.sleep(60)\n"
        "time.sleep(60)"
    )
    started = time.monotonic()
    outcome = await run(program, form, limits=Limits(seconds=30, memory_bytes=256 * MIB))
    assert outcome.ended == "memory"
    assert time.monotonic() - started < 30, "and not the time, which is over before they end"


async def test_memory_that_processes_share_counts_once(form: Form) -> None:
    program = (
        "import os, time\nheld = b'x' * (80 * 2**20)\n"
        "children = []\n"
        "for _ in range(8):\n"
        "    if (child := os.fork()) == 0:\n"
        "        time.sleep(0.5)\n        os._exit(0)\n"
        "    children.append(child)\n"
        "for child in children:\n    os.waitpid(child, 0)\n"
        "print('done')"
    )
    assert await said(program, form, limits=Limits(seconds=30, memory_bytes=256 * MIB)) == "done"


@pytest.mark.slow
async def test_a_fork_bomb_ends_and_leaves_nothing(form: Form) -> None:
    bomb = f"import os\nwhile {unique(98762)}: os.fork()"
    program = f"import subprocess, sys\nsubprocess.run([sys.executable, '-S', '-c', {bomb!r}])"
    started = time.monotonic()
    await run(program, form, limits=Limits(seconds=2))
    assert time.monotonic() - started < 30
    assert unique(98762) not in command_lines()


async def test_no_more_processes_than_the_limit_run_at_once(form: Form) -> None:
    program = (
        "import os, time\ncount = 0\ntry:\n"
        "    for _ in range(100):\n"
        "        if os.fork() == 0:\n            time.sleep(60)\n"
        "        count += 1\n"
        "except OSError:\n    pass\n"
        "print(count, flush=True)\nos._exit(0)"
    )
    outcome = await run(program, form, limits=Limits(processes=8))
    assert outcome.ended == "processes" or int(outcome.output) <= 8


async def test_what_is_printed_and_written_is_limited(form: Form) -> None:
    outcome = await run("import os\nwhile True: os.write(1, bytes(2**16))", form)
    assert outcome.ended == "output"
    program = (
        "import signal\nsignal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "with open('big', 'wb') as file:\n"
        "    try:\n        file.write(bytes(20 * 2**20))\n        print('written')\n"
        "    except OSError:\n        print('no')"
    )
    assert await said(program, form) == "no"


async def test_time_is_limited_and_counts_what_the_tests_take(form: Form) -> None:
    short = Limits(seconds=0.5)
    started = time.monotonic()
    assert (await run("while True: pass", form, limits=short)).ended == "timeout"
    assert not await passes("def f(): return 1", "while f(): pass", form, limits=short)
    assert time.monotonic() - started < 20


@pytest.mark.parametrize("how", ["start_new_session=True", "process_group=0"])
async def test_a_daemon_does_not_outlive_its_program(form: Form, how: str) -> None:
    mark = f"time.sleep({unique(98765 if how.startswith('start') else 98764)})"
    program = (
        "import subprocess, sys\n"
        f"subprocess.Popen([sys.executable, '-S', '-c', 'import time; {mark}'], {how})\n"
        "print('started')"
    )
    assert await said(program, form) == "started"
    assert mark not in command_lines()


async def test_cancelling_ends_everything(form: Form) -> None:
    mark = f"time.sleep({unique(98763)})"
    program = (
        "import subprocess, sys\n"
        f"subprocess.run([sys.executable, '-S', '-c', 'import time; {mark}'])"
    )
    running = asyncio.create_task(client.run(Job(program), limits=Limits(seconds=60), form=form))
    async with asyncio.timeout(30):
        while mark not in command_lines():
            await asyncio.sleep(0.05)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert mark not in command_lines()
