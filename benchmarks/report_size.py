"""Size, time and memory of `bestofn report` over runs of 1,000 and of 100,000 rows.

    python -m benchmarks.report_size [--rows 1000 --rows 100000] [--best-of 8]

Makes synthetic runs (confidence, stopping, suspicion, two generators; texts of a few hundred
characters, in the shards that `bestofn sample` writes), reports each in a process of its own, and
prints the bytes of the page, without the code of plotly too, the seconds, and the peak of the
resident memory, each also as a multiple of the smallest run's.
"""

from __future__ import annotations

import argparse
import functools
import json
import os
import random
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from plotly.offline import get_plotlyjs

from bestofn.dataset.store.atomic_files import sha256
from bestofn.dataset.store.manifest import Manifest, Shard
from bestofn.dataset.store.records import Record
from bestofn.dataset.store.shards import ROLLOUTS, shard_name, write_shard
from bestofn.dataset.store.store import ROWS_PER_SHARD

WORDS = ("the", "of", "and", "a", "to", "in", "is", "that", "it", "was", "for", "on", "are", "as")
DOUBT = {"filter": "truncation", "reason": "no_end", "detail": "it may be cut", "certain": False}
LOOP = {"filter": "repetition", "reason": "exact_loop", "detail": "it loops", "certain": True}
REPORT = "import sys; from bestofn.cli import app; app(['report', sys.argv[1]])"


TEXTS = 997
"""Different texts; a page shows a few of them."""


@functools.cache
def text(number: int, tokens: int) -> str:
    """Words without sense."""
    return " ".join(random.Random(number).choices(WORDS, k=tokens))


def candidate(drawn: random.Random, index: int) -> dict[str, Any]:
    """One of a row, not yet ranked."""
    tokens = drawn.randrange(20, 100)
    kind = drawn.random()
    rejections = [DOUBT] if kind < 0.03 else [LOOP] if kind < 0.08 else []
    answer = 7 if drawn.random() < 0.5 else drawn.randrange(10)
    return {
        "index": index,
        "text": f"{text(drawn.randrange(TEXTS), tokens)}. The answer is {answer}.",
        "message": None,
        "finish_reason": "stop",
        "reward": None if LOOP in rejections else drawn.gauss(float(answer == 7), 1.0),
        "rank": None,
        "accepted": not rejections,
        "rejections": rejections,
        "failure": None,
        "components": None,
        "cut": 0,
        "completion_tokens": tokens,
        "seed": index,
        "answer_key": str(answer),
        "mean_logprob": -drawn.random(),
        "generator": ("small", "large")[index % 2],
    }


def row(number: int, best_of: int) -> Record:
    """A row of the run, chosen by reward; every third was stopped at half of its candidates."""
    drawn = random.Random(number)
    stopped = number % 3 == 0
    held = [candidate(drawn, i) for i in range(best_of // 2 if stopped else best_of)]
    kept = [each for each in held if each["reward"] is not None]
    kept.sort(key=lambda each: (not each["accepted"], -each["reward"]))
    for rank, each in enumerate(kept, start=1):
        each["rank"] = rank
    saved = {"rule": "evidence", "sampled": len(held), "aborted": {}, "tokens_saved": 200}
    return {
        "row": number,
        "key": str(number),
        "source": f"prompts.jsonl:{number + 1}",
        "status": "ok" if kept else "nothing_acceptable",
        "error": None,
        "messages": json.dumps([{"role": "user", "content": f"Question {number}?"}]),
        "tools": None,
        "reference": '"The answer is 7."',
        "fallback": None,
        "rounds": 1,
        "prompt_tokens": 10,
        "completion_tokens": sum(each["completion_tokens"] for each in held),
        "selector": "argmax",
        "confidence": drawn.random(),
        "stopped": json.dumps(saved) if stopped else None,
        "candidates": held,
    }


def make(folder: Path, rows: int, best_of: int) -> None:
    """A finished run."""
    (folder / ROLLOUTS).mkdir(parents=True)
    manifest = Manifest(config={"best_of": best_of}, rows_per_shard=ROWS_PER_SHARD, rows=rows)
    for k, first in enumerate(range(0, rows, ROWS_PER_SHARD)):
        path = folder / ROLLOUTS / shard_name(k)
        held = range(first, min(first + ROWS_PER_SHARD, rows))
        write_shard(path, (row(number, best_of) for number in held))
        manifest.shards[path.name] = Shard(
            rows=len(held), bytes=path.stat().st_size, sha256=sha256(path)
        )
    manifest.write(folder)


def measured(folder: Path) -> tuple[int, float, int]:
    """Bytes of the page, seconds, and bytes of the peak of the resident memory."""
    started = time.perf_counter()
    silent = [(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)]
    command = [sys.executable, "-c", REPORT, str(folder)]
    child = os.posix_spawn(sys.executable, command, os.environ, file_actions=silent)
    _, status, usage = os.wait4(child, 0)
    seconds = time.perf_counter() - started
    if status:
        sys.exit(f"bestofn report {folder} ended with {os.waitstatus_to_exitcode(status)}")
    return (folder / "report.html").stat().st_size, seconds, usage.ru_maxrss * 1024


def table(sizes: list[int], best_of: int) -> Iterator[str]:
    """The lines of the result."""
    code = len(get_plotlyjs().encode())
    yield "| rows | page, bytes | without plotly | seconds | peak memory, MB | ratios |"
    yield "|---:|---:|---:|---:|---:|---|"
    first: tuple[int, float, int] | None = None
    for rows in sizes:
        with tempfile.TemporaryDirectory() as scratch:
            make(Path(scratch) / "run", rows, best_of)
            page, seconds, memory = found = measured(Path(scratch) / "run")
        first = first or (page - code, seconds, memory)
        pairs = zip((page - code, *found[1:]), first, strict=True)
        ratios = "; ".join(f"{mine / least:.2f}" for mine, least in pairs)
        yield (
            f"| {rows:,} | {page:,} | {page - code:,} | {seconds:.1f} | {memory / 1e6:.0f} "
            f"| {ratios} |"
        )


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--rows", type=int, action="append", help="of a run; several times")
    parser.add_argument("--best-of", type=int, default=8)
    arguments = parser.parse_args()
    for line in table(sorted(arguments.rows or [1_000, 100_000]), arguments.best_of):
        print(line, flush=True)


if __name__ == "__main__":
    main()
