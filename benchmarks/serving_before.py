"""Prints what serving over an upstream costs in this tree and in an older one, by turns.

    .venv/bin/python -m benchmarks.serving_before [--old a60de2a] [--rounds 5]

The upstream is `benchmarks.stub`, whose every answer takes 50 ms; clients ask for best_of = 8. Each
tree serves three times: as it is by default; with 0.1's filters and choice; and bare, without
filters. A round measures all services, one at a time, in an order that changes; ratios are taken
within a round, and their median is printed with the least and the most. The older tree, a revision
or a folder, has fewer filters by default (three against eight) and chooses the first accepted
answer where this one compares all of them: the other rows compare the same work.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import statistics
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.driver import OLD, ROOT, unpacked
from benchmarks.load import Load, closed_loop
from benchmarks.processes import running

CLIENTS = {1: 60, 4: 240, 32: 1200}
"""Requests per number of clients in a round."""

N = 8
MESSAGE = {"role": "user", "content": "What is 7 + 5?"}
WAYS: Mapping[str, Mapping[str, str]] = {
    "default": {"old": "", "now": ""},
    "0.1's filters": {
        "old": "",
        "now": "filters: [empty, repetition, truncation]\nselector: {name: argmax}\n",
    },
    "bare": {"old": "filters: []\n", "now": "filters: []\nselector: {name: argmax}\n"},
}
"""Settings of the older tree's services and of this one's."""


async def compare(services: Mapping[str, str], rounds: int) -> None:
    """Print a row per number of clients and kind of service."""
    body = {"messages": [MESSAGE], "best_of": N}
    for url in services.values():
        await closed_loop(url, [body] * 100, 8)
    names = list(services)
    for clients, count in CLIENTS.items():
        loads: dict[str, list[Load]] = {name: [] for name in names}
        for at in range(rounds):
            first = at % len(names)
            for name in [*names[first:], *names[:first]]:
                loads[name].append(await closed_loop(services[name], [body] * count, clients))
        for way in WAYS:
            old, now = loads[f"old, {way}"], loads[f"now, {way}"]
            print(
                f"| {clients} | {way} | {_rate(old)} | {_rate(now)} | {_ratios(old, now)} "
                f"| {_milliseconds(old)} | {_milliseconds(now)} |",
                flush=True,
            )


def _rate(loads: Sequence[Load]) -> str:
    return f"{statistics.median(each.rate for each in loads):.0f}/s"


def _milliseconds(loads: Sequence[Load]) -> str:
    return f"{1000 * statistics.median(each.percentile(50) for each in loads):.1f} ms"


def _ratios(old: Sequence[Load], now: Sequence[Load]) -> str:
    ratios = sorted(b.rate / a.rate for a, b in zip(old, now, strict=True))
    return f"**{statistics.median(ratios):.2f}** ({ratios[0]:.2f} to {ratios[-1]:.2f})"


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--old", default=OLD, help="a revision, or a folder that holds a tree")
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    print(f"medians of {arguments.rounds} rounds; N = {N}")
    print("| clients | service | requests, old | now | now / old | median latency, old | now |")
    print("|---:|---|---:|---:|---:|---:|---:|")
    with (
        unpacked(arguments.old, "bestofn", "server") as old,
        tempfile.TemporaryDirectory() as folder,
        contextlib.ExitStack() as stack,
    ):
        stub = stack.enter_context(running("benchmarks.stub"))
        services = {}
        for age, tree in (("old", old), ("now", ROOT)):
            for way, written in WAYS.items():
                settings = Path(folder, f"{age} {way}.yaml")
                settings.write_text(written[age], encoding="utf-8")
                services[f"{age}, {way}"] = stack.enter_context(
                    running(
                        "bestofn",
                        *("serve", "--upstream", stub, "--reward-model", "none"),
                        *("--config", str(settings)),
                        environment={"PYTHONPATH": f"{tree}:{tree / 'server'}"},
                        folder=tree,
                    )
                )
        asyncio.run(compare(services, arguments.rounds))


if __name__ == "__main__":
    main()
