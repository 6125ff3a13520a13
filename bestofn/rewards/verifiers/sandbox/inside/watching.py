"""How a program ended: by itself, or by its clock, its output, or what its processes take."""

from __future__ import annotations

import contextlib
import os
import select
import time
from collections.abc import Iterable
from typing import Any

from .limits import processes

_LOOKS = 0.05
"""Seconds between two looks at what the processes take."""

_SOON = 0.005
"""Seconds between the first looks: a program that takes fast is caught sooner, one that lasts is
not slowed down."""


def wait(
    watched: int, started: float, output: int | None, others: Iterable[int], job: dict[str, Any]
) -> tuple[str, bytes]:
    """How it ended, and what was printed.

    Args:
        watched: the process whose end is waited for.
        started: when its time began, by the monotonic clock.
        output: what is printed comes from there; None: that is of no interest.
        others: processes that are not the program's: their memory is not counted.
        job: with its limits.

    Returns:
        exit, timeout, output (more than allowed was printed), memory or processes (all of the
        program's together took too much), or cancelled (nobody waits any more).
    """
    ending = os.pidfd_open(watched)
    poller = select.poll()
    for descriptor in (ending, 0, *(() if output is None else (output,))):
        poller.register(descriptor, select.POLLIN)
    most, text, pause = int(job["output_bytes"]), b"", _SOON
    deadline = started + float(job["seconds"])
    while (left := deadline - time.monotonic()) > 0:
        ready = {descriptor for descriptor, _ in poller.poll(min(left, pause) * 1000)}
        if 0 in ready:
            return "cancelled", text
        if output is not None and output in ready:
            if chunk := os.read(output, 2**16):
                text += chunk
            else:
                poller.unregister(output)
        if len(text) > most:
            return "output", text[:most]
        if ending in ready:
            if output is not None:
                text += rest(output, most + 1 - len(text))
            return ("output" if len(text) > most else "exit"), text[:most]
        if too_much := _taken({*others, os.getpid()}, job):
            return too_much, text
        pause = min(2 * pause, _LOOKS)
    return "timeout", text


def rest(descriptor: int, most: int) -> bytes:
    """What can be read without waiting, `most` bytes of it."""
    os.set_blocking(descriptor, False)
    text = b""
    with contextlib.suppress(BlockingIOError):
        while len(text) < most and (chunk := os.read(descriptor, most - len(text))):
            text += chunk
    return text


def _taken(others: set[int], job: dict[str, Any]) -> str | None:
    """memory or processes, where the program's processes together take too much of it.

    Pages that processes share are first counted for each, which is quick to find out, and only
    where that is too much by what each has of them.
    """
    own = [process for process in _below(os.getpid()) if process not in others]
    if len(own) > job["processes"]:
        return "processes"
    if sum(map(_resident, own)) <= job["memory_bytes"]:
        return None
    return "memory" if sum(map(_proportional, own)) > job["memory_bytes"] else None


def _below(process: int) -> list[int]:
    """All that descend from it: in a namespace of its own, all there is."""
    if process == 1:
        return [each for each in processes() if each != 1]
    children: dict[int, list[int]] = {}
    for each in processes():
        with contextlib.suppress(OSError), open(f"/proc/{each}/stat") as file:  # noqa: PTH123
            parent = int(file.read().rpartition(")")[2].split()[1])
            children.setdefault(parent, []).append(each)
    found: list[int] = []
    left = [process]
    while left:
        new = children.get(left.pop(), [])
        found += new
        left += new
    return found


def descendants(process: int) -> set[int]:
    """Of a process, to whom orphans among them belong."""
    return set(_below(process))


def _resident(process: int) -> int:
    """Bytes of its own memory and of what it shares that is no file of a disk."""
    return _sum(f"/proc/{process}/status", ("RssAnon:", "RssShmem:", "VmSwap:")) or 0


def _proportional(process: int) -> int:
    """The same, of shared pages its share; as `_resident` where it does not let one look."""
    names = ("Pss_Anon:", "Pss_Shmem:", "SwapPss:")
    found = _sum(f"/proc/{process}/smaps_rollup", names)
    return _resident(process) if found is None else found


def _sum(path: str, names: tuple[str, ...]) -> int | None:
    total = 0
    try:
        with open(path) as file:  # noqa: PTH123
            for line in file:
                if line.startswith(names):
                    total += int(line.split()[1]) * 1024
    except OSError:
        return None
    return total
