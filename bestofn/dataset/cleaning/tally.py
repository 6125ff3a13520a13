"""The tally of a cleaning: how many answers each reason took, and a few examples of each."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from bestofn.core.ranking import ScoredCandidate

SHOWN = 160
"""Characters of an example: the end of the answer, where most faults are."""


@dataclass(slots=True)
class Reason:
    """What one reason of one filter took.

    Args:
        certain: answers that it threw out.
        suspected: answers that it only suspects.
        examples: of them, the first ones, as `--json` prints them.
    """

    certain: int = 0
    suspected: int = 0
    examples: list[dict[str, Any]] = field(default_factory=list)


@dataclass(slots=True)
class Tally:
    """The counts of a cleaning.

    Args:
        most_examples: examples that are held of each reason.
        rows: that were read.
        broken: rows that could not be read.
        without_prompt: rows that hold answers alone: what needs the prompt lets them pass.
        answers: by what became of them: accepted, suspected, rejected, failed.
        mended: answers that something was taken off, as a template's token.
        cut: columns that were parted as the answers of their record were: lists as long as these,
            of which the names say that they hold one thing for each.
        left_whole: columns of records that were parted which were not, though they are as long.
        reasons: by filter and reason.
    """

    most_examples: int = 3
    rows: int = 0
    broken: int = 0
    without_prompt: int = 0
    answers: Counter[str] = field(default_factory=Counter)
    mended: int = 0
    cut: set[str] = field(default_factory=set)
    left_whole: set[str] = field(default_factory=set)
    reasons: dict[tuple[str, str], Reason] = field(default_factory=dict)

    def add(self, source: str, record: ScoredCandidate) -> None:
        """Count one answer."""
        self.answers[_state(record)] += 1
        self.mended += "stripped_tokens" in record.candidate.extra
        for rejection in record.rejections:
            reason = self.reasons.setdefault((rejection.filter, rejection.reason), Reason())
            reason.certain += rejection.certain
            reason.suspected += not rejection.certain
            if len(reason.examples) < self.most_examples:
                text = record.text.strip().encode(errors="replace").decode()
                reason.examples.append(
                    {
                        "source": source,
                        "answer": record.index,
                        "detail": rejection.detail,
                        "text": text if len(text) <= SHOWN else "…" + text[1 - SHOWN :],
                    }
                )

    def as_json(self) -> dict[str, Any]:
        """What `--json` prints; the keys are part of the interface."""
        states = ("accepted", "suspected", "rejected", "failed")
        return {
            "rows": self.rows,
            "broken_rows": self.broken,
            "without_prompt": self.without_prompt,
            "answers": self.answers.total(),
            **{state: self.answers[state] for state in states},
            "mended": self.mended,
            "cut": sorted(self.cut),
            "left_whole": sorted(self.left_whole),
            "reasons": [
                {
                    "filter": name,
                    "reason": reason,
                    "certain": held.certain,
                    "suspected": held.suspected,
                    "examples": held.examples,
                }
                for (name, reason), held in self.sorted()
            ],
        }

    def sorted(self) -> list[tuple[tuple[str, str], Reason]]:
        """The reasons, the most frequent first; equal ones by name."""
        return sorted(
            self.reasons.items(), key=lambda each: (-each[1].certain - each[1].suspected, each[0])
        )


def _state(record: ScoredCandidate) -> str:
    if record.failure is not None:
        return "failed"
    if record.accepted:
        return "accepted"
    return "suspected" if record.kept else "rejected"
