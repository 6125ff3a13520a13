"""Prints what scoring costs in this tree and in an older one, by turns: each tree's own
`benchmarks.scoring`, over the floor.

    .venv/bin/python -m benchmarks.scoring_before [--old a60de2a] [--turns 3] [--rounds 1]

In a turn each tree scores all cases in a process of its own, first the one and then the other. What
is compared within a turn is the median of its ratios to the floor, which the same turn measures:
so a machine that is slower for a while does not count against either tree. A tree takes minutes a
round, since its benchmark measures every way; each is told on standard error as it ends.
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


def measured(tree: Path, rounds: int, threads: int) -> Ratios:
    """What that tree's benchmark finds over that tree's package.

    Raises:
        SystemExit: it fails.
    """
    command = [sys.executable, "-m", "benchmarks.scoring", "--raw", f"--rounds={rounds}"]
    environment = {**os.environ, "PYTHONPATH": str(tree), "OMP_NUM_THREADS": str(threads)}
    done = subprocess.run(
        command, env=environment, cwd=tree, capture_output=True, text=True, check=False
    )
    rows = [json.loads(line) for line in done.stderr.splitlines() if line.startswith('{"case"')]
    if done.returncode or not rows:
        raise SystemExit(f"{tree} cannot be measured:\n{done.stderr}")
    found = {", ".join(map(str, row["case"])): statistics.median(row["bestofn"]) for row in rows}
    print(json.dumps({"tree": str(tree), **found}), file=sys.stderr, flush=True)
    return found


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--old", default=OLD, help="a revision, or a folder that holds a tree")
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--rounds", type=int, default=1, help="in each turn")
    parser.add_argument("--threads", type=int, default=2)
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
