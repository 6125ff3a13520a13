"""The supervisor: it starts program and tests, waits, counts, kills, and reports.

It runs as ``main(form)`` in a Python of its own. The job comes on stdin, in messages of a length
and JSON; that stdin ends means that nobody waits any more. The program's part comes first, and the
tests only when the program runs, so that they were never in its memory. One line of JSON goes to
stdout when the program is started, and one that says how it ended.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import sys
import time
from collections.abc import Iterable
from typing import Any

# All at once: behind the walls this folder is not to be seen.
from . import limits, privileges, program, system_calls, tests, walls, watching

_CLEANING_SECONDS = 2.0
_VERDICT_BYTES = 4096


def main(form: str) -> None:
    """Run the job that stdin brings, in that form: bubblewrap, namespaces or unsafe."""
    sys.dont_write_bytecode = True  # the folder is not this user's
    job = _message()
    if form == "namespaces":
        walls.enter(job["walls"])
    unsafe = form == "unsafe"
    if unsafe and (supervisor := _outer()):
        os.waitpid(supervisor, 0)
        _kill_rest()  # in case that the program could kill the supervisor
        os._exit(0)
    privileges.drop(keep_reading=unsafe, folder=job["folder"] if unsafe else None)
    privileges.die_with_parent()  # which a change of user undid
    os.chdir(job["folder"])
    if not unsafe and system_calls.has_filter():
        system_calls.restrict()
    privileges.hide()
    privileges.adopt_orphans()
    _supervise(job)


def _outer() -> int:
    """Without walls nothing dies by itself: one more process is there to clean up. Of root's, it is
    out of the program's reach."""
    privileges.hide()
    privileges.adopt_orphans()
    return os.fork()


def _supervise(job: dict[str, Any]) -> None:
    """Start the program and its tests, wait, kill what is left, and report."""
    tested = job["tested"]
    _write(1, b'{"started": true}\n')
    output, output_end = os.pipe()
    ours, theirs = socket.socketpair()
    answering = os.fork()
    started = time.monotonic()
    if answering == 0:
        privileges.show()
        _detach(job, stdin=job["stdin"], stdout=None if tested else output_end)
        link = _keep(theirs.fileno() if tested else None)
        program.run(job["program"], link)
        return  # as any script ends: threads are joined, output is flushed
    os.close(output_end)
    theirs.close()
    watched, verdict = answering, -1
    if tested:
        verdict, verdict_end = os.pipe()
        source = str(_message()["tests"])
        watched = os.fork()
        if watched == 0:
            _detach(job, stdin=None, stdout=None)
            _write(verdict_end, tests.judge(source, _keep(ours.fileno(), verdict_end)))
            os._exit(0)
        os.close(verdict_end)
    ours.close()
    ended, text = watching.wait(
        watched, started, None if tested else output, (watched,) if tested else (), job
    )
    said = watching.rest(verdict, _VERDICT_BYTES) if tested and ended == "exit" else b""
    status = _end(watched, answering)
    _write(
        1,
        json.dumps(
            {
                "ended": ended,
                "status": status,
                "passed": said == tests.PASSED,
                "output": text.decode("utf-8", "replace"),
                "said": (word := said.decode("utf-8", "replace")),
                "unusable": word.startswith(tests.UNUSABLE),
            }
        ).encode()
        + b"\n",
    )
    os._exit(0)


def _end(watched: int, answering: int) -> int:
    """Kill all that is left; the status of what was waited for."""
    for process in {answering, watched}:
        for kill in (os.killpg, os.kill):  # its group at once, which a fork cannot outrun
            with contextlib.suppress(OSError):
                kill(process, signal.SIGKILL)
    _, status = os.waitpid(watched, 0)
    _kill_rest()
    return os.waitstatus_to_exitcode(status)


def _kill_rest() -> None:
    """Kill whatever the program has left behind, until there is nothing."""
    deadline = time.monotonic() + _CLEANING_SECONDS
    while time.monotonic() < deadline:
        if os.getpid() == 1 or os.getuid() >= privileges.FIRST_USER:  # all there is, at once
            _signal([-1], signal.SIGKILL)
        else:
            stopped: set[int] = set()
            while new := watching.descendants(os.getpid()) - stopped:
                _signal(new, signal.SIGSTOP)  # what is stopped cannot fork meanwhile
                stopped |= new
            _signal(stopped, signal.SIGKILL)
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            return
        time.sleep(0.002)


def _signal(processes: Iterable[int], number: int) -> None:
    for process in processes:
        with contextlib.suppress(OSError):
            os.kill(process, number)


def _detach(job: dict[str, Any], *, stdin: str | None, stdout: int | None) -> None:
    """Be a group of one's own within the limits, with standard streams that lead nowhere else."""
    os.setpgid(0, 0)
    nothing = os.open(os.devnull, os.O_RDWR)
    given = os.memfd_create("stdin")
    _write(given, (stdin or "").encode("utf-8", "surrogatepass"))
    os.lseek(given, 0, os.SEEK_SET)
    os.dup2(given, 0)
    os.dup2(nothing if stdout is None else stdout, 1)
    os.dup2(nothing, 2)
    limits.apply(job)


def _keep(*descriptors: int | None) -> int:
    """Close everything but the standard streams and these; the first of them."""
    for descriptor in range(3, 64):
        if descriptor not in descriptors:
            with contextlib.suppress(OSError):
                os.close(descriptor)
    return -1 if descriptors[0] is None else descriptors[0]


def _message() -> dict[str, Any]:
    """The next part of the job: eight hexadecimal digits of its length, and JSON."""
    message: dict[str, Any] = json.loads(_exactly(int(_exactly(8), 16)))
    return message


def _exactly(count: int) -> bytes:
    text = b""
    while len(text) < count:
        if not (chunk := os.read(0, count - len(text))):
            os._exit(1)  # cancelled before it began
        text += chunk
    return text


def _write(descriptor: int, text: bytes) -> None:
    while text:
        text = text[os.write(descriptor, text) :]
