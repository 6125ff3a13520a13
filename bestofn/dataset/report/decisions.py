"""Decisions of a run: how sure its winners are, when sampling was stopped, what was suspected and
which generator won; counts alone, so that any number of rows takes the same memory.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from bestofn.dataset.store.records import Record, is_suspected

CONFIDENCE_BINS = 20
"""Of a confidence, from 0 to 1: 0.05 each."""

WENT_ON = "(none: the request went on)"
"""What ended a row in which single candidates were aborted, in place of a rule."""


@dataclass(slots=True)
class OfGenerator:
    """What one of several generators gave.

    Args:
        candidates: that it sampled.
        accepted: of these.
        won: rows whose winner is its.
        completion_tokens: of its candidates, as far as somebody counted.
    """

    candidates: int = 0
    accepted: int = 0
    won: int = 0
    completion_tokens: int = 0


@dataclass(slots=True)
class OfRule:
    """What one stopping rule did.

    Args:
        rows: that it ended.
        sampled: candidates that were started in them.
        tokens_saved: in them, estimated as in `bestofn.core.ranking.Ranking`.
    """

    rows: int = 0
    sampled: int = 0
    tokens_saved: int = 0


@dataclass(slots=True)
class OfSuspicion:
    """What came of one reason for suspicion.

    Args:
        candidates: that are suspected for it, and not rejected.
        won: rows whose winner is one of them: nothing unsuspected was there.
    """

    candidates: int = 0
    won: int = 0


@dataclass(slots=True)
class Decisions:
    """Counts over the records of a run.

    Args:
        chosen_by: rows by the selector that ordered them.
        confidences: of winners, by bins of equal width from 0 to 1.
        confidence_sum: of all of them.
        sampled: rows by how many candidates were started.
        rules: by the rule that ended the row.
        aborted: candidates that each rule stopped.
        suspicions: by reason.
        suspected: candidates, each once.
        suspected_winners: rows whose winner is suspected.
        generators: by name; candidates of a run with one generator have none.
    """

    chosen_by: Counter[str] = field(default_factory=Counter)
    confidences: list[int] = field(default_factory=lambda: [0] * CONFIDENCE_BINS)
    confidence_sum: float = 0.0
    sampled: Counter[int] = field(default_factory=Counter)
    rules: dict[str, OfRule] = field(default_factory=dict)
    aborted: Counter[str] = field(default_factory=Counter)
    suspicions: dict[str, OfSuspicion] = field(default_factory=dict)
    suspected: int = 0
    suspected_winners: int = 0
    generators: dict[str, OfGenerator] = field(default_factory=dict)

    @property
    def tokens_saved(self) -> int:
        """By stopping, over all rows, estimated."""
        return sum(each.tokens_saved for each in self.rules.values())

    @property
    def confident(self) -> int:
        """Rows whose winner has a confidence."""
        return sum(self.confidences)

    @property
    def mean_confidence(self) -> float | None:
        """Of the winners that have one; None: none has."""
        return self.confidence_sum / self.confident if self.confident else None

    def at_least(self, bin_number: int) -> int:
        """Rows whose confidence is in this bin or above: what `--min-confidence` would keep."""
        return sum(self.confidences[bin_number:])

    def add(self, record: Record) -> None:
        """Count a record."""
        if (selector := record.get("selector")) is not None:
            self.chosen_by[selector] += 1
        if (confidence := record.get("confidence")) is not None:
            at = min(max(int(confidence * CONFIDENCE_BINS), 0), CONFIDENCE_BINS - 1)
            self.confidences[at] += 1
            self.confidence_sum += confidence
        if record["candidates"]:
            self.sampled[len(record["candidates"])] += 1
        if (stopped := record.get("stopped")) is not None:
            self._add_stopped(json.loads(stopped))
        for each in record["candidates"]:
            # Of rejected candidates a policy may have returned the best: that is no winner.
            self._add_candidate(each, won=each["rank"] == 1 and record["fallback"] is None)

    def _add_stopped(self, stopped: dict[str, Any]) -> None:
        rule = self.rules.setdefault(stopped["rule"] or WENT_ON, OfRule())
        rule.rows += 1
        rule.sampled += stopped["sampled"]
        rule.tokens_saved += stopped["tokens_saved"]
        self.aborted.update(stopped["aborted"])

    def _add_candidate(self, each: dict[str, Any], *, won: bool) -> None:
        if is_suspected(each):
            self.suspected += 1
            self.suspected_winners += won
            for reason in {rejection["reason"] for rejection in each["rejections"]}:
                suspicion = self.suspicions.setdefault(reason, OfSuspicion())
                suspicion.candidates += 1
                suspicion.won += won
        if (name := each.get("generator")) is not None:
            of = self.generators.setdefault(name, OfGenerator())
            of.candidates += 1
            of.accepted += each["accepted"]
            of.won += won
            of.completion_tokens += each["completion_tokens"] or 0
