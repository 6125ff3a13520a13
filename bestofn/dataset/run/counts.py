"""Counts of a run's session so far: rows, candidates, rewards, tokens."""

from __future__ import annotations

from dataclasses import dataclass, field

from bestofn.dataset.store.records import Record, is_suspected


@dataclass(slots=True)
class Counts:
    """What a session has done so far, for those who watch.

    Args:
        read: rows of the input.
        skipped: of these, finished before.
        done: finished in this session.
        statuses: of the finished, how many ended how.
        candidates: sampled.
        accepted: of these.
        rejected: how many each reason threw out.
        rewards: their sum and number, of the accepted.
        completion_tokens: sampled, as far as somebody counted.
        reward_tokens: that the reward model computed.
    """

    read: int = 0
    skipped: int = 0
    done: int = 0
    statuses: dict[str, int] = field(default_factory=dict)
    candidates: int = 0
    accepted: int = 0
    rejected: dict[str, int] = field(default_factory=dict)
    reward_sum: float = 0.0
    reward_count: int = 0
    completion_tokens: int = 0
    reward_tokens: int = 0

    def add(self, record: Record, reward_tokens: int) -> None:
        """Count a finished row."""
        self.done += 1
        self.statuses[record["status"]] = self.statuses.get(record["status"], 0) + 1
        self.completion_tokens += record["completion_tokens"] or 0
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
