"""Summary of a run: counts over its records, for the card and the report."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from bestofn.dataset.store.records import Record, is_suspected


@dataclass(slots=True)
class Summary:
    """Counts over records.

    Args:
        rows: records.
        statuses: how many ended how.
        candidates: in all of them.
        accepted: of these.
        suspected: how many that were not rejected each reason cast doubt on.
        rejected: how many each reason threw out.
        failed: how many failed for each reason.
        completion_tokens: sampled, as far as somebody counted.
    """

    rows: int = 0
    statuses: Counter[str] = field(default_factory=Counter)
    candidates: int = 0
    accepted: int = 0
    suspected: Counter[str] = field(default_factory=Counter)
    rejected: Counter[str] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)
    completion_tokens: int = 0

    def counting(self, records: Iterable[Record]) -> Iterator[Record]:
        """The same records, counted as they pass."""
        for record in records:
            self.rows += 1
            self.statuses[record["status"]] += 1
            self.completion_tokens += record["completion_tokens"] or 0
            for each in record["candidates"]:
                self.candidates += 1
                self.accepted += each["accepted"]
                reasons = {rejection["reason"] for rejection in each["rejections"]}
                (self.suspected if is_suspected(each) else self.rejected).update(reasons)
                if each["failure"] is not None:
                    self.failed[each["failure"]["reason"]] += 1
            yield record
