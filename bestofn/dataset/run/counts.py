"""Counts of a run's session so far: rows, candidates, rewards, tokens."""

from __future__ import annotations

from dataclasses import dataclass, field

from bestofn.dataset.store.records import NOTHING_ASKED, Record, is_suspected


@dataclass(slots=True)
class Counts:
    """What a session has done so far, for those who watch.

    Args:
        read: rows of the input.
        unreadable: of these, that are no request.
        first_unreadable: where the first of them stands, and why; '' where there is none.
        skipped: of these, finished before.
        done: finished in this session.
        statuses: of the finished, how many ended how.
        failed: of the finished, on which the engine or the reward model failed, or whose request
            the engine refused.
        first_failed: where the first of them stands, and why; '' where there is none.
        candidates: sampled.
        accepted: of these.
        rejected: how many each reason threw out.
        rewards: their sum and number, of the accepted.
        completion_tokens: sampled.
        reward_tokens: that the reward model computed.
    """

    read: int = 0
    unreadable: int = 0
    first_unreadable: str = ""
    skipped: int = 0
    done: int = 0
    statuses: dict[str, int] = field(default_factory=dict)
    failed: int = 0
    first_failed: str = ""
    candidates: int = 0
    accepted: int = 0
    rejected: dict[str, int] = field(default_factory=dict)
    reward_sum: float = 0.0
    reward_count: int = 0
    completion_tokens: int = 0
    reward_tokens: int = 0

    @property
    def sampled(self) -> int:
        """Rows that were sampled in this session, whatever came of it."""
        return self.statuses.get("ok", 0) + self.statuses.get("nothing_acceptable", 0)

    def add(self, record: Record, reward_tokens: int) -> None:
        """Count a finished row."""
        self.done += 1
        self.statuses[record["status"]] = self.statuses.get(record["status"], 0) + 1
        if record["error"] is not None and record["messages"] != NOTHING_ASKED:
            self.failed += 1
            self.first_failed = self.first_failed or f"{record['source']}: {record['error']}"
        self.completion_tokens += record["completion_tokens"]
        self.reward_tokens += reward_tokens
        for each in record["candidates"]:
            self.candidates += 1
            self.accepted += each["accepted"]
            if each["accepted"] and each["reward"] is not None:
                self.reward_sum += each["reward"]
                self.reward_count += 1
            if is_suspected(each):
                continue
            for reason in {rejection["reason"] for rejection in each["rejections"]}:
                self.rejected[reason] = self.rejected.get(reason, 0) + 1
