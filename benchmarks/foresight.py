"""Whether the repetition filter's word on half an output holds for the whole: `loops` rests on it.

    python -m benchmarks.foresight FILE.jsonl.gz [--every 4]

Each line of the file is an object with ``prompt`` and ``text``, as for `benchmarks.real_outputs`.
Every output is cut after 64 characters and whenever a quarter more has come, and shown to the
filter as a snapshot, until it is rejected for certain. That is false where the whole output is not.
A quick look (`hardly_compresses`) lets most snapshots pass; with --no-quick-look it is left out.
"""

from __future__ import annotations

import argparse
import gzip
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bestofn import Request
from bestofn.core.types import Candidate
from bestofn.filters.repetition import filter as filter_module
from bestofn.filters.repetition.filter import RepetitionFilter
from bestofn.filters.repetition.segmentation import hardly_compresses

FIRST, GROWTH, MOST = 64, 1.25, 12_000
"""Characters of the first snapshot; how much each is longer than the one before; characters that
are read of an output."""


@dataclass(frozen=True, slots=True)
class Foreseen:
    """What became of one output.

    Args:
        rejected: whether the whole of it is, for certain.
        at: the share of it that was there when a snapshot was; None: none was.
        snapshots: that were shown.
        quick: how many of them a quick look let pass.
        detail: the filter's sentence on the snapshot.
    """

    rejected: bool
    at: float | None
    snapshots: int
    quick: int
    detail: str = ""


def foreseen(prompt: str, text: str, judge: RepetitionFilter) -> Foreseen:
    """What the filter says of an output, and of its beginnings."""
    request = Request.from_prompt(prompt or "x", best_of=2)

    def says(part: str, finish_reason: str | None) -> str | None:
        message = {"role": "assistant", "content": part}
        found = judge.check(request, Candidate(0, message, finish_reason))
        return found.detail if found is not None and found.certain else None

    rejected = says(text, "stop") is not None
    length, shown, quick = FIRST, 0, 0
    while length < len(text):
        shown += 1
        quick += hardly_compresses(text[:length])
        if (detail := says(text[:length], None)) is not None:
            return Foreseen(rejected, length / len(text), shown, quick, detail)
        length = max(length + FIRST, int(length * GROWTH))
    return Foreseen(rejected, None, shown, quick)


def outputs(path: Path, every: int) -> Iterator[Any]:
    """Each so-many-th row of the file."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        yield from (json.loads(line) for at, line in enumerate(lines) if at % every == 0)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("file", type=Path)
    parser.add_argument("--every", type=int, default=1, help="read each so-many-th output only")
    parser.add_argument("--no-quick-look", action="store_true")
    given = parser.parse_args()
    if given.no_quick_look:
        setattr(filter_module, "hardly_compresses", lambda text: False)  # noqa: B010
    judge, began = RepetitionFilter(), time.perf_counter()
    rows = outputs(given.file, given.every)
    found = [foreseen(row["prompt"], row["text"][:MOST], judge) for row in rows]
    seen = [each for each in found if each.at is not None]
    false = [each for each in seen if not each.rejected]
    rejected = sum(each.rejected for each in found)
    shown, quick = sum(each.snapshots for each in found), sum(each.quick for each in found)
    print(
        f"{len(found)} outputs, {shown} snapshots, {time.perf_counter() - began:.0f} s\n"
        f"a quick look is enough for {quick / shown:.1%} of them\n"
        f"{rejected} rejected for certain, {len(seen) - len(false)} of them foreseen\n"
        f"{len(false)} foreseen that are not rejected"
    )
    for each in false:
        print(f"  after {each.at:.0%}: {each.detail}")


if __name__ == "__main__":
    main()
