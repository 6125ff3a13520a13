"""Measures the filters on real outputs: by kind, language and rule, and what prompts lose most.

    python -m benchmarks.real_outputs FILE.jsonl.gz

Each line of the file is an object with ``prompt``, ``text``, ``kind`` (strong, weak, math, code,
...), ``language`` and, where a person read the output, ``label``. Outputs that were read as cut,
broken, repetitive, flooded, leaked or in the wrong language count as faults, all others as clean; a
figure carries its Wilson interval (95 %). `read_outputs.json` holds, by a hash of its text, how the
outputs without a label were read that the filters rejected.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
import math
import os
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bestofn.builders.pipeline import build_filters
from bestofn.core.protocols import Filter
from bestofn.core.types import Candidate, Rejection, Request
from bestofn.filters.truncation.filter import TruncationFilter
from bestofn.settings.sections import FilterSpec
from bestofn.settings.settings import Settings

READ: Mapping[str, str] = json.loads(
    Path(__file__).with_name("read_outputs.json").read_text(encoding="utf-8")
)

FAULTS = frozenset(
    {"repetitive", "cut", "template_token_leaked", "wrong_language", "whitespace_flood"}
    | {"broken_structure", "borderline", "faulty"}
)
"""Labels of outputs that a filter should not let pass."""


@dataclass(slots=True)
class Tally:
    """How many outputs of a group there are, and how many were rejected."""

    outputs: int = 0
    certain: int = 0
    suspected: int = 0
    reasons: Counter[str] = field(default_factory=Counter)

    def add(self, found: Sequence[Rejection]) -> None:
        """Count one output."""
        self.outputs += 1
        if any(each.certain for each in found):
            self.certain += 1
        elif found:
            self.suspected += 1
        self.reasons.update(f"{each.reason}{'' if each.certain else '?'}" for each in found)

    def show(self, name: str) -> str:
        """A line of a table."""
        reasons = ", ".join(f"{reason} {count}" for reason, count in self.reasons.most_common(4))
        return (
            f"  {name:<22}{self.outputs:>6}{interval(self.certain, self.outputs):>24}"
            f"{interval(self.suspected, self.outputs):>24}   {reasons}"
        )


def interval(count: int, total: int) -> str:
    """A share with its Wilson interval, all in percent."""
    if not total:
        return "-"
    z, share = 1.96, count / total
    middle = (share + z * z / (2 * total)) / (1 + z * z / total)
    half = z * math.sqrt(share * (1 - share) / total + z * z / (4 * total**2)) / (1 + z * z / total)
    return f"{100 * share:.2f} ({100 * max(0, middle - half):.2f}-{100 * (middle + half):.2f})"


def rows(path: Path) -> Iterator[Mapping[str, Any]]:
    """The outputs of the file."""
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", encoding="utf-8") as file:
        yield from (json.loads(line) for line in file)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def report(path: Path, filters: Sequence[Filter]) -> None:
    """Print every table."""
    kinds: defaultdict[str, Tally] = defaultdict(Tally)
    clean: defaultdict[str, Tally] = defaultdict(Tally)
    languages: defaultdict[str, Tally] = defaultdict(Tally)
    labels: defaultdict[str, Tally] = defaultdict(Tally)
    prompts: defaultdict[str, Tally] = defaultdict(Tally)
    rules: defaultdict[str, Counter[str]] = defaultdict(Counter)
    judged: dict[bool, Counter[str]] = {True: Counter(), False: Counter()}
    cuts = next((each for each in filters if isinstance(each, TruncationFilter)), None)
    for row in rows(path):
        request = Request.from_prompt(row["prompt"] or "-")
        candidate = Candidate(0, {"role": "assistant", "content": row["text"]}, "stop")
        found = [each for judge in filters if (each := judge.check(request, candidate))]
        label = row.get("label") or READ.get(_digest(row["text"]))
        certain = any(each.certain for each in found)
        if found:
            judged[certain][label or "not read"] += 1
        kinds[row["kind"]].add(found)
        labels[label or "not read"].add(found)
        if label not in FAULTS:
            clean[row["kind"]].add(found)
            prompts[row["prompt"]].add(found)
        if row["kind"] == "strong":
            languages[row["language"]].add(found)
        if cuts is not None and (taken := cuts.find(request, candidate)):
            rules[taken[0].name][label or "not read"] += 1
    head = f"  {'':<22}{'n':>6}{'certain %':>24}{'suspected %':>24}"
    for title, tallies in (
        ("all outputs, by kind", kinds),
        ("without those read as faulty, by kind", clean),
        ("strong models, by language", languages),
        ("by label", labels),
    ):
        print(f"\n{title}\n{head}")
        for name, tally in sorted(tallies.items(), key=lambda each: -each[1].outputs):
            print(tally.show(name))
    print("\nrules of the truncation filter, by what their outputs were read as")
    for name, count in sorted(rules.items(), key=lambda each: -each[1].total()):
        print(f"  {name:<22}{count.total():>6}   {dict(count.most_common())}")
    for certain, count in judged.items():
        read = count.total() - count["not read"]
        right = sum(number for label, number in count.items() if label in FAULTS)
        what = "certain" if certain else "suspected"
        print(f"\n{what} and read: {read}, of those faulty: {right}, {interval(right, read)} %")
    several = {prompt: tally for prompt, tally in prompts.items() if tally.outputs >= 3}
    lost = [t for t in several.values() if 2 * (t.certain + t.suspected) >= t.outputs]
    print(f"\nprompts with several answers that lose half or more: {len(lost)} of {len(several)}")


def main() -> None:
    """Read the flags, print the tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "file", type=Path, nargs="?", default=os.environ.get("BESTOFN_REAL_OUTPUTS")
    )
    parser.add_argument("--filters", nargs="+", help="names; none: those that are on by default")
    flags = parser.parse_args()
    specs = [FilterSpec(name=name) for name in flags.filters or ()] or Settings().filters
    filters = build_filters(specs)
    if flags.file:
        report(Path(flags.file), filters)
    else:
        sys.exit("name the file, or set BESTOFN_REAL_OUTPUTS")


if __name__ == "__main__":
    main()
