"""Prints how often the default filters find planted faults, and reject clean text, by kind.

    python -m benchmarks.filters --cache DIR --fetch

`corpora` says what clean text is, `planting` what the planted loops and cuts are. Every text falls
into one of two halves by its hash: the thresholds were chosen on the tuning half, and the other is
reported. Seeds are the texts' hashes, so a machine with the same files prints the same figures.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks import corpora, planting
from benchmarks.corpora import Document
from bestofn.core.types import Candidate, Rejection, Request
from bestofn.filters.empty import EmptyFilter
from bestofn.filters.repetition.filter import RepetitionFilter
from bestofn.filters.truncation.filter import TruncationFilter

LANGUAGES = {
    "English": ("prose", "sayings", "docs"),
    "Chinese": ("prose zh", "sayings zh"),
    "code": ("code",),
}
"""The kinds of text that loops are planted into."""

WORDS = ((0, 3), (4, 7), (8, 11), (12, 24), (25, 99), (100, 9999))
Kinds = dict[str, list[Document]]
PERIODS = ((1, 4), (5, 15), (16, 30), (31, 60))
REQUEST = Request.from_prompt("benchmark")
EMPTY, REPETITION, TRUNCATION = EmptyFilter(), RepetitionFilter(), TruncationFilter()


@dataclass(slots=True)
class Row:
    """One line of a table: how many texts, how many were rejected, and why."""

    name: str
    texts: int = 0
    reasons: Counter[str] = field(default_factory=Counter)

    @property
    def rejected(self) -> int:
        """How many were rejected."""
        return sum(self.reasons.values())

    def add(self, rejection: Rejection | None) -> None:
        """Count one text."""
        self.texts += 1
        if rejection is not None:
            self.reasons[rejection.reason] += 1

    @property
    def share(self) -> float:
        """The share that was rejected; 0 where there is no text."""
        return self.rejected / self.texts if self.texts else 0.0

    def show(self, *, missed: bool) -> str:
        """The line: texts, the share rejected, how many failed, the most frequent reasons."""
        failed = self.texts - self.rejected if missed else self.rejected
        reasons = ", ".join(f"{reason} {count}" for reason, count in self.reasons.most_common(3))
        return f"  {self.name:<28}{self.texts:>6}{self.share:>9.4f}{failed:>8}   {reasons}"


def candidate(text: str, finish_reason: str = "stop") -> Candidate:
    """A candidate that says it ended."""
    return Candidate(0, {"role": "assistant", "content": text}, finish_reason)


def clean_rows(
    name: str,
    check: Callable[[Request, Candidate], Rejection | None],
    kinds: Kinds,
) -> tuple[list[Row], float]:
    """(a row per kind, milliseconds per KB of UTF-8) of one filter on clean text."""
    rows = []
    seconds = size = 0.0
    for kind, documents in kinds.items():
        row = Row(kind)
        for document in documents:
            begin = time.perf_counter()
            rejection = check(REQUEST, candidate(document.text))
            seconds += time.perf_counter() - begin
            size += len(document.text.encode()) / 1024
            row.add(rejection)
        rows.append(row)
    return rows, 1000 * seconds / size


def loop_rows(kinds: Kinds) -> tuple[list[Row], list[Row]]:
    """(a row per kind of loop, place and language, a row per kind of loop and period)."""
    rows: list[Row] = []
    periods = {
        (shape, band): Row(f"{shape}, {band[0]} to {band[1]} tokens")
        for shape in ("exact", "near")
        for band in PERIODS
    }
    for shape, plant in (("exact", planting.exact_loop), ("near", planting.near_loop)):
        for language, names in LANGUAGES.items():
            for where in ("tail", "inside"):
                row = Row(f"{shape}, {language}, {where}")
                for document in (d for name in names for d in kinds[name]):
                    planted = plant(document.text, where, random.Random(document.digest))
                    if planted is None:
                        continue
                    text, period = planted
                    rejection = REPETITION.check(REQUEST, candidate(text))
                    row.add(rejection)
                    band = next(band for band in PERIODS if period <= band[1])
                    periods[shape, band].add(rejection)
                rows.append(row)
    return rows, [row for row in periods.values() if row.texts]


def length_rows(kinds: Kinds) -> list[Row]:
    """A row per kind of text that the engine cut."""
    rows = []
    for kind, documents in kinds.items():
        row = Row(kind)
        for document in documents:
            text = planting.length_cut(document.text, random.Random(document.digest))
            row.add(TRUNCATION.check(REQUEST, candidate(text, "length")))
        rows.append(row)
    return rows


def cut_rows(kinds: Kinds, show: int) -> tuple[list[Row], list[Row]]:
    """(a row per kind of text, a row per number of words before the cut) of the structural cuts.

    `show` prints the ends of so many missed cuts of each kind.
    """
    rows = []
    sizes = {band: Row(f"after {band[0]} to {band[1]} words") for band in WORDS}
    for kind, documents in kinds.items():
        row = Row(kind)
        for document in documents:
            text = planting.structural_cut(document.text, random.Random(document.digest))
            if text is None:
                continue
            rejection = TRUNCATION.check(REQUEST, candidate(text))
            size = planting.words(text)
            sizes[next(band for band in WORDS if size < band[1] + 1)].add(rejection)
            row.add(rejection)
            if rejection is None and row.texts - row.rejected <= show:
                print(f"    missed in {kind}: {text[-100:]!r}", file=sys.stderr)
        rows.append(row)
    return rows, [row for row in sizes.values() if row.texts]


def table(title: str, rows: Sequence[Row], *, missed: bool) -> Row:
    """Print the rows, worst first, and their total; returns the total."""
    print(f"\n{title}")
    print(f"  {'':<28}{'texts':>6}{'rejected':>9}{'failed':>8}   most frequent reasons")
    for row in sorted(rows, key=lambda row: row.share, reverse=not missed):
        print(
            row.show(missed=missed)
            if row.texts
            else f"  {row.name:<28}{'skipped: no such text':>37}"
        )
    total = Row("all")
    for row in rows:
        total.texts += row.texts
        total.reasons += row.reasons
    print(total.show(missed=missed))
    return total


def report(kinds: Kinds, show: int) -> None:
    """Print every table of one half, and the targets."""
    wrong = {}
    for each in (REPETITION, TRUNCATION, EMPTY):
        rows, speed = clean_rows(each.name, each.check, kinds)
        title = f"clean text, filter {each.name}: {speed:.2f} ms per KB"
        wrong[each.name] = table(title, rows, missed=False).share
    rows, periods = loop_rows(kinds)
    loops = table("planted loops, filter repetition", rows, missed=True)
    table("the same by period", periods, missed=True)
    title = "planted cuts that end in length, filter truncation"
    lengths = table(title, length_rows(kinds), missed=True)
    rows, sizes = cut_rows(kinds, show)
    cuts = table("planted structural cuts, filter truncation", rows, missed=True)
    table("the same by the words before them", sizes, missed=True)
    print("\n  target                                                 measured")
    for found, goal, share, bound in (
        (True, "loops found", loops.share, 0.98),
        (False, "clean text rejected as repetitive", wrong["repetition"], 0.01),
        (True, "cuts with finish reason length found", lengths.share, 1.0),
        (True, "structural cuts found", cuts.share, 0.9),
        (False, "clean text rejected as truncated", wrong["truncation"], 0.02),
    ):
        met = share >= bound if found else share <= bound
        limit = f"{goal}, {'at least' if found else 'at most'} {bound:g}"
        print(f"  {limit:<54}{share:>8.4f}  {'met' if met else 'MISSED'}")


def main() -> None:
    """Read the flags, load the texts, print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--cache", type=Path, required=True, help="folder of unpacked Debian packages"
    )
    parser.add_argument("--fetch", action="store_true", help="download them first (apt-get)")
    parser.add_argument("--half", choices=("tuning", "reporting", "both"), default="reporting")
    parser.add_argument("--per-kind", type=int, default=600, help="most texts of a kind and half")
    parser.add_argument("--show", type=int, default=0, help="print the ends of so many missed cuts")
    flags = parser.parse_args()
    if flags.fetch:
        corpora.fetch(flags.cache)
    kinds = corpora.load(flags.cache, flags.per_kind)
    for number, half in enumerate(("tuning", "reporting")):
        if flags.half in (half, "both"):
            print(f"\n== {half} half ==")
            report({k: [d for d in ds if d.half == number] for k, ds in kinds.items()}, flags.show)


if __name__ == "__main__":
    main()
