"""The inside of the sandbox: limits are set, a program runs, and nothing of it is left behind.

This file is a script of its own: it runs by ``python -I -S``, where nothing of bestofn can be
imported. Three processes: the first leaves the user and the network; its child, the supervisor,
waits, counts and kills; the supervisor's child becomes the program.

The job comes on stdin, one line of JSON; that stdin ends means that nobody waits any more. Two
lines of JSON go to stdout: where the program is started, and how it ended.
"""

# ruff: noqa: PTH116, PTH123, PTH208  (it starts for each test, and pathlib takes its time)

import contextlib
import ctypes
import json
import os
import resource
import select
import signal
import sys
import time
import types
from collections.abc import Iterable
from typing import Any

_LIBC = ctypes.CDLL(None, use_errno=True)

_NEWUSER, _NEWNET, _NEWPID, _NEWIPC = 0x10000000, 0x40000000, 0x20000000, 0x08000000
_NAMESPACES = _NEWNET | _NEWPID | _NEWIPC
_SET_DUMPABLE, _SET_KEEPCAPS, _SET_SUBREAPER, _NO_NEW_PRIVILEGES = 4, 8, 36, 38  # prctl(2)
_CAPABILITIES_V3, _READ_ALL = 0x20080522, 1 << 2  # capset(2), CAP_DAC_READ_SEARCH

_FIRST_USER = 2_010_000_000
"""Ids from here on nothing has: they are above what SSSD gives to accounts (to 2000200000) and
systemd to containers (to 1879048191). Each run is a user of its own, so that its processes are
counted, and killed, by themselves."""

_NOBODY = 65534
_CLEANING_SECONDS = 2.0


def main() -> None:
    """Run the job that stdin names."""
    job = json.loads(_line(0))
    root = os.geteuid() == 0
    separate = root and _LIBC.unshare(_NAMESPACES) == 0
    if root:
        _become_other_user(job["folder"])
    if not separate:
        separate = _unshare_as_user()
    os.chdir(job["folder"])
    _LIBC.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0)
    _LIBC.prctl(_SET_SUBREAPER, 1, 0, 0, 0)
    if (supervisor := os.fork()) != 0:
        os.waitpid(supervisor, 0)
        _kill_rest()  # in case that the program could kill the supervisor
        os._exit(0)
    _LIBC.prctl(_SET_SUBREAPER, 1, 0, 0, 0)  # whoever loses its parent becomes its child
    _supervise(job, separate, root)


def _become_other_user(folder: str) -> None:
    """From root to a user without an account, who owns `folder`.

    Where only root can read Python's own library, the right to read is kept.

    Raises:
        PermissionError: this root may not do that.
    """
    user = _FIRST_USER + int.from_bytes(os.urandom(3), "big")
    try:
        os.setresgid(-1, user, -1)
    except OSError:  # the container has no such id
        user = _NOBODY
        os.setresgid(-1, user, -1)
    os.setgroups([])
    os.chown(folder, user, user)
    os.setresuid(-1, user, -1)
    readable = _is_readable(os.__file__)
    os.setresuid(-1, 0, -1)
    _LIBC.prctl(_SET_KEEPCAPS, 0 if readable else 1, 0, 0, 0)
    os.setresgid(user, user, user)
    os.setresuid(user, user, user)
    if not readable:
        header = (ctypes.c_uint32 * 2)(_CAPABILITIES_V3, 0)
        sets = (ctypes.c_uint32 * 6)(_READ_ALL, _READ_ALL)  # effective, permitted
        if _LIBC.capset(header, sets) != 0:
            raise PermissionError(f"no other user can read Python's library, {os.__file__}")
    _LIBC.prctl(_SET_DUMPABLE, 1, 0, 0, 0)  # else /proc/self belongs to root


def _is_readable(path: str) -> bool:
    try:
        os.close(os.open(path, os.O_RDONLY))
    except PermissionError:
        return False
    return True


def _unshare_as_user() -> bool:
    """Leave the network, the processes and their messages by a user namespace, where that works."""
    user, group = os.getuid(), os.getgid()
    if _LIBC.unshare(_NEWUSER | _NAMESPACES) != 0:
        return False
    maps = {"setgroups": "deny", "uid_map": f"{user} {user} 1", "gid_map": f"{group} {group} 1"}
    for name, text in maps.items():
        with contextlib.suppress(OSError), open(f"/proc/self/{name}", "w") as file:
            file.write(text)
    return True


def _supervise(job: dict[str, Any], separate: bool, root: bool) -> None:
    """Start the program, wait for it, kill what is left, and report."""
    output, output_end = os.pipe()
    challenge, challenge_end = os.pipe()
    proof, proof_end = os.pipe()
    program = os.fork()
    if program == 0:
        _become_program(job, output_end, root)
        _run(job["sources"], job["main"], challenge, proof_end)
        return  # as any script ends: threads are joined, output is flushed
    for end in (output_end, proof_end):
        os.close(end)
    _report({"started": True, "separate": separate})
    nonce = os.urandom(16)  # made here, so that it is nowhere in the program's memory
    os.write(challenge_end, nonce)
    ended, text = _wait(program, output, job["seconds"], job["output_bytes"])
    for kill in (os.killpg, os.kill):  # its group at once, which a fork cannot outrun
        with contextlib.suppress(OSError):
            kill(program, signal.SIGKILL)
    _, status = os.waitpid(program, 0)
    _kill_rest()
    _report(
        {
            "ended": ended,
            "status": os.waitstatus_to_exitcode(status),
            "proven": ended == "exit" and _rest(proof, 64) == nonce,
            "output": text.decode("utf-8", "replace"),
        }
    )
    os._exit(0)


def _become_program(job: dict[str, Any], output_end: int, root: bool) -> None:
    """Set the limits, and leave nothing open but stdin, stdout, stderr and the two pipes."""
    os.setpgid(0, 0)
    nothing = os.open(os.devnull, os.O_RDWR)
    given = os.memfd_create("stdin")
    _write(given, (job["stdin"] or "").encode())
    os.lseek(given, 0, os.SEEK_SET)
    os.dup2(given, 0)
    os.dup2(output_end if job["main"] else nothing, 1)
    os.dup2(nothing, 2)
    with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w") as file:
        file.write("1000")
    seconds = int(job["seconds"]) + 1
    for what, limit in (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_CPU, seconds),
        (resource.RLIMIT_AS, job["memory_bytes"]),
        (resource.RLIMIT_FSIZE, job["file_bytes"]),
        (resource.RLIMIT_NOFILE, job["open_files"]),
        (resource.RLIMIT_NPROC, job["processes"] + (2 if root else _processes_of_user())),
    ):
        _, most = resource.getrlimit(what)
        limit = limit if most == resource.RLIM_INFINITY else min(limit, most)
        resource.setrlimit(what, (limit, limit))


def _run(sources: list[str], main: bool, challenge: int, proof: int) -> None:
    """Run the sources one after the other, in one module; then prove that the end was reached.

    Whatever ends the process before, with whatever status, proves nothing.
    """
    for descriptor in range(3, 64):
        if descriptor not in (challenge, proof):
            with contextlib.suppress(OSError):
                os.close(descriptor)
    module = types.ModuleType("__main__" if main else "answer")
    sys.modules[module.__name__] = module
    for source in sources:
        exec(compile(source, "<answer>", "exec", dont_inherit=True), module.__dict__)
    os.write(proof, os.read(challenge, 64))


def _wait(program: int, output: int, seconds: float, most: int) -> tuple[str, bytes]:
    """How the program ended, and what it has printed: exit, timeout, output (more than `most`
    bytes of it) or cancelled."""
    ending = os.pidfd_open(program)
    poller = select.poll()
    for descriptor in (ending, output, 0):
        poller.register(descriptor, select.POLLIN)
    text = b""
    deadline = time.monotonic() + seconds
    while (left := deadline - time.monotonic()) > 0:
        ready = {descriptor for descriptor, _ in poller.poll(left * 1000)}
        if 0 in ready:
            return "cancelled", text
        if output in ready:
            if chunk := os.read(output, 2**16):
                text += chunk
            else:
                poller.unregister(output)
        if len(text) > most:
            return "output", text[:most]
        if ending in ready:
            text += _rest(output, most + 1 - len(text))
            return ("output" if len(text) > most else "exit"), text[:most]
    return "timeout", text


def _kill_rest() -> None:
    """Kill whatever the program has left behind, until there is nothing."""
    deadline = time.monotonic() + _CLEANING_SECONDS
    while time.monotonic() < deadline:
        if os.getpid() == 1 or os.getuid() >= _FIRST_USER:  # all there is, at once
            _signal([-1], signal.SIGKILL)
        else:
            stopped: set[int] = set()
            while new := _descendants() - stopped:  # what is stopped cannot fork meanwhile
                _signal(new, signal.SIGSTOP)
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


def _descendants() -> set[int]:
    """Of this process, to whom orphans among them belong."""
    children: dict[int, list[int]] = {}
    for process, stat in _stats():
        children.setdefault(int(stat.rpartition(")")[2].split()[1]), []).append(process)
    found: set[int] = set()
    left = [os.getpid()]
    while left:
        new = children.get(left.pop(), [])
        found.update(new)
        left += new
    return found


def _processes_of_user() -> int:
    """Of the whole machine, threads counted as the kernel does: the limit is on all of them."""
    own, count = os.getuid(), 0
    for process, _ in _stats():
        with contextlib.suppress(OSError):
            if os.stat(f"/proc/{process}").st_uid == own:
                count += len(os.listdir(f"/proc/{process}/task"))
    return count


def _stats() -> list[tuple[int, str]]:
    """The processes that are to be seen, and what /proc/N/stat says of each."""
    found = []
    for name in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError), open(f"/proc/{name}/stat") as file:
            found.append((int(name), file.read()))
    return found


def _line(descriptor: int) -> bytes:
    line = b""
    while not line.endswith(b"\n"):
        if not (chunk := os.read(descriptor, 2**16)):
            os._exit(1)  # cancelled before it began
        line += chunk
    return line


def _rest(descriptor: int, most: int) -> bytes:
    """What can be read without waiting, `most` bytes of it."""
    os.set_blocking(descriptor, False)
    text = b""
    with contextlib.suppress(BlockingIOError):
        while len(text) < most and (chunk := os.read(descriptor, most - len(text))):
            text += chunk
    return text


def _report(message: dict[str, Any]) -> None:
    _write(1, json.dumps(message).encode() + b"\n")


def _write(descriptor: int, text: bytes) -> None:
    while text:
        text = text[os.write(descriptor, text) :]


if __name__ == "__main__":
    main()
