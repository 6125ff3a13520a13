"""Prints what best_of_n itself costs a request, over fakes, in this tree and in an older one.

    .venv/bin/python -m benchmarks.driver [--old a60de2a] [--rounds 9] [--requests 300]

The generator and the reward model are those of `bestofn.testing`, without delay, with two filters
that accept everything and the default selector: what is left is the cost of the path from request
to ranking. "The fakes alone" is the same sampling, filtering and scoring without best_of_n, and so
the part that no driver can save. The older tree is unpacked from git into a temporary folder, or is
a folder that holds one. Every round measures each tree in a process of its own, in turns, and the
order changes from round to round. A round's figure is its median request, one at a time, in time on
the processor: nothing here waits, and so other processes hardly disturb it. What is printed is the
median of the rounds and, in brackets, the lowest and the highest. The difference is taken within
each round.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import io
import json
import os
import platform
import statistics
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import bestofn
from bestofn import Candidate, Pipeline, Policy, Rejection, Request, best_of_n
from bestofn.selection.argmax import ArgmaxSelector
from bestofn.testing import FakeGenerator, FakeRewardModel

# This file is run by its path over both trees: it uses nothing but what both offer.

ROOT = Path(__file__).parents[1]
OLD = "a60de2a"
"""The last commit of 0.1, before the core was taken apart."""

SIZES = (1, 8, 64)
WARM_UP = 30
WAYS = ("alone", "best_of_n")


@dataclass(frozen=True, slots=True)
class Ended:
    """Accepts what ended by itself."""

    name: str = "ended"

    def check(self, request: Request, candidate: Candidate) -> Rejection | None:
        """See `bestofn.Filter`."""
        if candidate.finish_reason == "stop":
            return None
        return Rejection(self.name, "cut", "it did not end by itself")


@dataclass(frozen=True, slots=True)
class Said:
    """Accepts what says something."""

    name: str = "said"

    def check(self, request: Request, candidate: Candidate) -> Rejection | None:
        """See `bestofn.Filter`."""
        return None if candidate.text else Rejection(self.name, "empty", "it says nothing")


def fakes() -> tuple[FakeGenerator, tuple[Ended, Said], FakeRewardModel]:
    """A new set, since they keep what they were asked."""
    generator = FakeGenerator(lambda request, index: f"The answer is {index}.")
    rewards = FakeRewardModel(lambda request, candidate: float(candidate.index % 7))
    return generator, (Ended(), Said()), rewards


def ways() -> dict[str, Callable[[Request], Awaitable[object]]]:
    """Both ways to do the work of one request, by the names in `WAYS`."""
    generator, filters, rewards = fakes()
    pipeline = Pipeline(
        generator=generator,
        selector=ArgmaxSelector(),
        filters=filters,
        reward_model=rewards,
        policy=Policy("best_rejected"),
    )

    async def alone(request: Request) -> object:
        sampling = generator.sample(request, range(request.best_of))
        candidates = [candidate async for candidate in sampling]
        await sampling.aclose()
        for candidate in candidates:
            assert not any(each.check(request, candidate) for each in filters)
        return await rewards.score(request, candidates)

    async def ours(request: Request) -> object:
        return await best_of_n(request, pipeline)

    return {"alone": alone, "best_of_n": ours}


async def measure(requests: int) -> dict[str, dict[int, float]]:
    """Milliseconds on the processor of the median request, by way and N."""
    found: dict[str, dict[int, float]] = {way: {} for way in WAYS}
    for n in SIZES:
        for way, run in ways().items():
            taken = []
            for seed in range(WARM_UP + requests):
                request = Request.from_prompt("What is 8 - 5?", best_of=n, seed=seed)
                started = time.process_time()
                await run(request)
                taken.append(time.process_time() - started)
            found[way][n] = 1000 * statistics.median(taken[WARM_UP:])
    return found


@contextlib.contextmanager
def unpacked(old: str, *parts: str) -> Iterator[Path]:
    """The older tree: the folder `old`, or `parts` of the repository at that revision."""
    if Path(old).is_dir():
        yield Path(old).resolve()
        return
    command = ["git", "-C", str(ROOT), "archive", "--format=tar", old, *parts]
    packed = subprocess.run(command, capture_output=True, check=False)
    if packed.returncode:
        raise SystemExit(f"{old} is neither a folder nor a revision: {packed.stderr.decode()}")
    with tempfile.TemporaryDirectory() as folder:
        with tarfile.open(fileobj=io.BytesIO(packed.stdout)) as archive:
            archive.extractall(folder, filter="data")
        yield Path(folder)


def measured(tree: Path, requests: int) -> dict[str, dict[int, float]]:
    """What `measure` finds over that tree's package, in a process of its own."""
    command = [sys.executable, "-P", __file__, "--measure", "--requests", str(requests)]
    environment = {**os.environ, "PYTHONPATH": str(tree)}
    done = subprocess.run(
        command, env=environment, cwd=tree, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(f"{tree} cannot be measured:\n{done.stderr}")
    said = json.loads(done.stdout)
    if Path(said["package"]).parents[1] != tree:
        raise SystemExit(f"{tree} was to be measured, and {said['package']} was imported")
    return {way: {int(n): ms for n, ms in of.items()} for way, of in said["found"].items()}


def told(values: Sequence[float], sign: str = "") -> str:
    """Median, lowest and highest."""
    median, low, high = statistics.median(values), min(values), max(values)
    return f"{median:{sign}.3f} ({low:{sign}.3f} to {high:{sign}.3f})"


def compare(old: str, rounds: int, requests: int) -> None:
    """Print the table."""
    print(
        f"ms on the processor a request; medians of {rounds} rounds of {requests} requests; "
        f"{os.cpu_count()} cores, Python {platform.python_version()}"
    )
    found: dict[str, list[dict[str, dict[int, float]]]] = {"old": [], "new": []}
    with unpacked(old, "bestofn") as folder:
        trees = [("old", folder), ("new", ROOT)]
        for at in range(rounds):
            for name, tree in trees if at % 2 == 0 else reversed(trees):
                found[name].append(measured(tree, requests))
    named = folder.name if Path(old).is_dir() else old
    print(
        f"| N | the fakes alone at {named} | here | best_of_n at {named} | here "
        f"| best_of_n here - {named} |"
    )
    print("|---:|---|---|---|---|---|")
    for n in SIZES:
        columns = [[each[way][n] for each in found[tree]] for way in WAYS for tree in found]
        more = [here - before for before, here in zip(*columns[2:], strict=True)]
        cells = [*map(told, columns), f"**{told(more, '+')}**"]
        print(f"| {n} | {' | '.join(cells)} |")


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--old", default=OLD, help="a revision, or a folder that holds a tree")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--requests", type=int, default=300)
    parser.add_argument("--measure", action="store_true", help="measure one tree, print JSON")
    arguments = parser.parse_args()
    if arguments.measure:
        found = asyncio.run(measure(arguments.requests))
        print(json.dumps({"package": bestofn.__file__, "found": found}))
        return
    compare(arguments.old, arguments.rounds, arguments.requests)


if __name__ == "__main__":
    main()
