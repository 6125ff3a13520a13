"""Findings: what each check found, a line of JSON as soon as it is there.

    found = Findings("kernels", folder / LOG)
    found.check("attend, bfloat16", check_attend)      # its Verdict, its Skip, or its exception

A fault of one check stops no other; a process that dies leaves what it had found.
"""

from __future__ import annotations

import dataclasses
import json
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

Outcome = Literal["right", "wrong", "measured", "skipped", "failed"]
"""It agrees with its reference; it does not; a figure without one; it cannot be had here; it
raised, or ran out of time."""

LOG = "findings.jsonl"


class Skip(Exception):  # noqa: N818 - it is no error
    """The check cannot be made here; the message says why."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a check returns.

    Args:
        outcome: see `Outcome`.
        detail: one line for a reader.
        values: numbers for the tables, as JSON has them.
    """

    outcome: Outcome
    detail: str
    values: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def within(cls, error: float, most: float, **values: Any) -> Verdict:
        """Right where `error` is at most `most`; NaN never is."""
        outcome: Outcome = "right" if error <= most else "wrong"
        return cls(outcome, f"error {error:.2g}, at most {most:.2g}", {"error": error, **values})


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the log.

    Args:
        part, name: which check.
        outcome, detail, values: see `Verdict`.
        seconds: that it took.
    """

    part: str
    name: str
    outcome: Outcome
    detail: str
    values: Mapping[str, Any]
    seconds: float


class Findings:
    """The log of one part.

    Args:
        part: its name.
        path: the file that lines are added to.
        seconds: that the part may take, for `left`.
    """

    def __init__(self, part: str, path: Path, seconds: float = float("inf")) -> None:
        self._part = part
        self._path = path
        self._ends = time.monotonic() + seconds

    @property
    def left(self) -> float:
        """Seconds until the part is stopped."""
        return self._ends - time.monotonic()

    def check(self, name: str, act: Callable[[], Verdict]) -> Verdict:
        """Make the check, write and print what it found."""
        began = time.monotonic()
        try:
            verdict = act()
        except Skip as skip:
            verdict = Verdict("skipped", str(skip))
        except (Exception, SystemExit) as error:  # whatever it is, the next check is made
            traceback.print_exc()
            last = traceback.format_exception(error)[-3:]
            verdict = Verdict(
                "failed", f"{type(error).__name__}: {error}"[:500], {"traceback": "".join(last)}
            )
        seconds = time.monotonic() - began
        self._write(
            Finding(self._part, name, verdict.outcome, verdict.detail, verdict.values, seconds)
        )
        return verdict

    def _write(self, finding: Finding) -> None:
        write(self._path, finding)


def write(path: Path, finding: Finding) -> None:
    """Add a finding to the log, and print it."""
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(dataclasses.asdict(finding)) + "\n")
    print(
        f"{finding.outcome:8} {finding.seconds:6.1f} s  {finding.part}: {finding.name}: "
        f"{finding.detail}",
        flush=True,
    )


def read(path: Path) -> Sequence[Finding]:
    """The findings in a log; a last line that was cut off is left out."""
    found = []
    for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else ():
        try:
            found.append(Finding(**json.loads(line)))
        except ValueError:
            continue
    return found


def relative(found: Sequence[float], expected: Sequence[float]) -> float:
    """‖found - expected‖ / ‖expected‖."""
    distance = sum((a - b) ** 2 for a, b in zip(found, expected, strict=True))
    return float((distance / max(sum(b**2 for b in expected), 1e-30)) ** 0.5)
