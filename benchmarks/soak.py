"""Prints what minutes of many clients leave of `bestofn serve`, and whether every answer is
accounted for.

    .venv/bin/python -m benchmarks.soak [--over engine | stub] [--clients 200] [--seconds 180]

engine: the embedded pair, N = 8, on vLLM. stub: the upstream is `benchmarks.stub`, and the embedded
model scores. The clients (`benchmarks.clients`) ask for the best of N, whole and streamed, are
passed through, hang up, and send what is wrong; each asks again as soon as it is done.

The server's own counters have to agree with what the clients were told; once they are gone its
tasks, files and requests in flight have to be what they were before, and its memory, engine
included, what it was in the middle. Where one is not, the last lines say so, and the exit code
is 1. Clients, server and stub share the machine.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import math
import re
import statistics
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import httpx
import psutil

from benchmarks.clients import ANSWERED, CHAT, HUNG_UP, KINDS, Crowd, crowd
from benchmarks.processes import running, started
from bestofn import embedded

N = 8
FLAT = 1.1
"""Memory of the last third over that of the middle one, at most."""

SPARE = 2
"""Tasks and files above the base line that count as none: a probe, the connection that asks."""

SETTLING_SECONDS = 30.0
QUIET = {"VLLM_LOGGING_LEVEL": "ERROR", "HF_HUB_OFFLINE": "1"}


@dataclass(frozen=True, slots=True)
class State:
    """What a server holds at one time.

    Args:
        tasks: of its event loop.
        files: open, sockets included.
        in_flight: requests.
        memory: bytes of it and its children.
    """

    tasks: int
    files: int
    in_flight: int
    memory: int


class Server:
    """A running server, seen from outside.

    Args:
        url: where it listens.
        pid: of its process.
    """

    def __init__(self, url: str, pid: int) -> None:
        self.url = url
        self._process = psutil.Process(pid)

    def statuses(self) -> Counter[str]:
        """How often it has answered on the path of chat completions, by status."""
        found = re.findall(
            rf'^bestofn_requests_total{{.*path="{CHAT}",.*status="(\d+)"}} (\S+)$',
            self._metrics(),
            re.MULTILINE,
        )
        counts: Counter[str] = Counter()
        for status, count in found:  # of each model and profile
            counts[status] += int(float(count))
        return counts

    def state(self) -> State:
        """What it holds now."""
        page = self._metrics()
        files = self._process.num_fds()
        return State(
            tasks=_gauge(page, "bestofn_tasks"),
            files=files,
            in_flight=_gauge(page, "bestofn_requests_in_flight"),
            memory=self.memory(),
        )

    def memory(self) -> int:
        """Bytes that it and its children hold."""
        held = 0
        for each in (self._process, *self._process.children(recursive=True)):
            with contextlib.suppress(psutil.NoSuchProcess):  # one that judged a text and ended
                held += each.memory_info().rss
        return held

    def _metrics(self) -> str:
        return httpx.get(f"{self.url}/metrics").raise_for_status().text


def _gauge(page: str, name: str) -> int:
    found = re.search(rf"^{name} (\S+)$", page, re.MULTILINE)
    assert found is not None, name
    return int(float(found[1]))


@dataclass(frozen=True, slots=True)
class Soak:
    """What came of it.

    Args:
        crowd: what the clients were told.
        served: what the server counted, by status.
        before, after: what it held.
        memory: bytes, once a second.
    """

    crowd: Crowd
    served: Mapping[str, int]
    before: State
    after: State
    memory: Sequence[int]

    @property
    def growth(self) -> float:
        """Memory of the last third over that of the middle one."""
        third = len(self.memory) // 3
        if third == 0:
            return math.nan
        middle, last = self.memory[third : 2 * third], self.memory[2 * third :]
        return statistics.median(last) / statistics.median(middle)

    def complaints(self) -> list[str]:
        """What is not as it has to be, a sentence each."""
        said = [
            f"{kind}: {count} times {outcome}"
            for kind, counter in self.crowd.wrong.items()
            for outcome, count in counter.items()
        ]
        gone = self.crowd.told(HUNG_UP)
        for status in sorted({*self.served, "400", "404", "422", "429"} - {ANSWERED, "499"}):
            told, counted = self.crowd.told(status), self.served.get(status, 0)
            # One who hangs up may have been refused before.
            if not told <= counted <= told + (gone if status == "429" else 0):
                said.append(f"{counted} answers of status {status}, and {told} were told so")
        unseen = self.crowd.sent - sum(self.served.values())
        if not 0 <= unseen <= gone:  # those who hung up before they had asked
            said.append(f"{self.crowd.sent} requests, and {sum(self.served.values())} were counted")
        if self.served.get(ANSWERED, 0) < self.crowd.told(ANSWERED):
            said.append(f"{self.crowd.told(ANSWERED)} answers, and fewer were counted")
        for name in ("tasks", "files", "in_flight"):
            before, after = getattr(self.before, name), getattr(self.after, name)
            if after > before + SPARE * (name != "in_flight"):
                said.append(f"{name}: {before} before, {after} after")
        if len(self.memory) >= 30 and self.growth > FLAT:
            said.append(f"memory: {self.growth:.2f} times that of the middle third in the last")
        return said


async def soak(server: Server, clients: int, seconds: float) -> Soak:
    """Let the clients loose on a server, and see what they leave of it."""
    await crowd(server.url, 4, min(5.0, seconds))  # models, caches and threads are warm then
    base = await _settled(server)
    counted = server.statuses()
    memory: list[int] = []

    async def watch() -> None:
        while True:
            memory.append(await asyncio.to_thread(server.memory))
            await asyncio.sleep(1)

    watching = asyncio.create_task(watch())
    told = await crowd(server.url, clients, seconds, seed=1)
    watching.cancel()
    after = await _settled(server, base)
    return Soak(told, server.statuses() - counted, base, after, memory)


async def _settled(server: Server, base: State | None = None) -> State:
    """What a server holds once nothing runs, and no more than at the base line if it can."""
    loop = asyncio.get_running_loop()
    ends = loop.time() + SETTLING_SECONDS
    while True:
        state = await asyncio.to_thread(server.state)
        quiet = state.in_flight == 0 and (
            base is None or (state.tasks <= base.tasks and state.files <= base.files)
        )
        if loop.time() > ends or (quiet and base is not None):
            return state
        await asyncio.sleep(0.5)
        if quiet:
            return await asyncio.to_thread(server.state)


@contextlib.contextmanager
def serving(over: str) -> Iterator[Server]:
    """`bestofn serve` over the engine or the stub."""
    with contextlib.ExitStack() as stack:
        flags = []
        if over == "stub":
            flags.append(f"--upstream={stack.enter_context(running('benchmarks.stub'))}")
            flags.append(f"--reward-model={embedded.reward_path()}")
        environment = {**QUIET, "BESTOFN_BEST_OF": str(N)}
        yield Server(
            *stack.enter_context(started("bestofn", "serve", *flags, environment=environment))
        )


def table(over: str, found: Soak) -> str:
    """What came of it, as Markdown."""
    lines = [f"| over the {over} | requests | outcomes |", "|---|---:|---|"]
    for kind in KINDS:
        counter = found.crowd.outcomes[kind.name]
        outcomes = ", ".join(f"{outcome} x {n:,}" for outcome, n in counter.most_common())
        lines.append(f"| {kind.name} | {counter.total():,} | {outcomes} |")
    served = ", ".join(f"{status} x {n:,}" for status, n in sorted(found.served.items()))
    lines += [f"| all; the server counts | {found.crowd.sent:,} | {served} |", ""]
    lines += ["| | before | after |", "|---|---:|---:|"]
    for name, title in (("tasks", "tasks"), ("files", "open files"), ("in_flight", "in flight")):
        lines.append(f"| {title} | {getattr(found.before, name)} | {getattr(found.after, name)} |")
    before, after = (each.memory / 2**20 for each in (found.before, found.after))
    lines.append(f"| memory, MiB | {before:.0f} | {after:.0f} |")
    lines += ["", f"memory of the last third over that of the middle one: {found.growth:.3f}"]
    return "\n".join(lines)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--over", choices=("engine", "stub"), action="append")
    parser.add_argument("--clients", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=180)
    arguments = parser.parse_args()
    wrong: list[str] = []
    for over in arguments.over or ("engine", "stub"):
        with serving(over) as server:
            found = asyncio.run(soak(server, arguments.clients, arguments.seconds))
        print(f"{arguments.clients} clients, {arguments.seconds:g} s, N = {N}\n", flush=True)
        print(table(over, found), "\n", flush=True)
        wrong += [f"{over}: {complaint}" for complaint in found.complaints()]
    print("\n".join(wrong) or "everything is accounted for")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
