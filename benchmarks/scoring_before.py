"""Prints what scoring costs in this tree and in an older one, by turns: bestofn's way as each
tree's own `benchmarks.scoring` has it, over the floor.

    .venv/bin/python -m benchmarks.scoring_before [--old a60de2a] [--turns 5] [--rounds 3]

In a turn each tree scores all cases in a process of its own, first the one and then the other. What
is compared within a turn is the median of its ratios to the floor, which the same process measures:
so a machine that is slower for a while does not count against either tree. Times are of the CPU,
on one thread unless more are asked for, so that what else the machine does counts less. The other
ways of `benchmarks.scoring` are left out (one by one is run once, to hold the rewards against):
they take nine tenths of its time and are the same in both trees.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from benchmarks.driver import OLD, ROOT, unpacked

Ratios = Mapping[str, float]
"""Of each case, the median time of bestofn's way over the floor."""

TIMED = """
import json, statistics, sys, time, types, torch
from benchmarks import scoring
scoring.time = types.SimpleNamespace(perf_counter=time.process_time)
model = scoring.Random.of("small", "cpu", torch.float32, scoring.CPU_BATCH_TOKENS)
ways = {name: way for name, way in model.ways().items() if name == "bestofn"}
for case in scoring.CASES:
    texts, tokens = scoring.texts_of(*case)
    expected = model.ways()["one by one"](texts)
    worst = max(abs(a - b) for a, b in zip(ways["bestofn"](texts), expected, strict=True))
    if worst > 1e-4:
        raise SystemExit(f"{case}: rewards differ by {worst:.2g}")
    once = {"one by one": lambda texts, expected=expected: expected, **ways}
    found = scoring.measure(model, once, texts, tokens, int(sys.argv[1]))
    print(json.dumps({"case": case, "bestofn": statistics.median(found["bestofn"])}), flush=True)
"""
"""What runs in each tree; both trees' benchmarks have these names."""


def measured(tree: Path, rounds: int, threads: int) -> Ratios:
    """What that tree's benchmark finds over that tree's package.

    Raises:
        SystemExit: it fails.
    """
    environment = {**os.environ, "PYTHONPATH": str(tree), "OMP_NUM_THREADS": str(threads)}
    done = subprocess.run(
        [sys.executable, "-c", TIMED, str(rounds)],
        env=environment,
        cwd=tree,
        capture_output=True,
        text=True,
        check=False,
    )
    rows = [json.loads(line) for line in done.stdout.splitlines() if line.startswith('{"case"')]
    if done.returncode or not rows:
        raise SystemExit(f"{tree} cannot be measured:\n{done.stderr}")
    found = {", ".join(map(str, row["case"])): row["bestofn"] for row in rows}
    print(json.dumps({"tree": str(tree), **found}), file=sys.stderr, flush=True)
    return found


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--old", default=OLD, help="a revision, or a folder that holds a tree")
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=3, help="in each turn")
    parser.add_argument("--threads", type=int, default=1)
    given = parser.parse_args()
    found: dict[str, list[Ratios]] = {"old": [], "now": []}
    with unpacked(given.old, "bestofn", "benchmarks") as old:
        trees = [("old", old), ("now", ROOT)]
        for turn in range(given.turns):
            for name, tree in trees if turn % 2 == 0 else reversed(trees):
                found[name].append(measured(tree, given.rounds, given.threads))
    print(f"{given.threads} thread(s), medians of {given.turns} turns of {given.rounds} rounds")
    print("| P, R, N | over the floor, old | now | now / old |")
    print("|---|---:|---:|---:|")
    for case in found["now"][0]:
        before, now = ([turn[case] for turn in found[name]] for name in ("old", "now"))
        ratios = sorted(b / a for a, b in zip(before, now, strict=True))
        print(
            f"| {case} | {statistics.median(before):.2f} | {statistics.median(now):.2f} "
            f"| **{statistics.median(ratios):.2f}** ({ratios[0]:.2f} to {ratios[-1]:.2f}) |"
        )


if __name__ == "__main__":
    main()
