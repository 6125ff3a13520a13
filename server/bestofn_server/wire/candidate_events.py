"""The events of POST /v1/candidates: candidates as they finish, and then the answer.

    {"object": "bestofn.started", "indices": [0, 1, 2, 3]}
    {"object": "bestofn.candidate", "index": 2, "state": "rejected", "rejections": [...], ...}
    {"object": "bestofn.candidate", "index": 0, "state": "scoring", "text": ..., ...}
    {"object": "bestofn.candidate", "index": 0, "state": "accepted", "reward": 1.5, ...}
    {"object": "chat.completion", "choices": [...], "bestofn": {...}}
    [DONE]

A candidate is told when it has passed the filters, and again once it is scored. Snapshots of
running candidates come between, where the rules of the request take any.
"""

from __future__ import annotations

from typing import Literal, Self

from pydantic import BaseModel, Field

from bestofn.core.ranking import Outcome, ScoredCandidate
from bestofn.core.types import Candidate
from bestofn.support.candidate_report import report
from bestofn_server.wire.report import CandidateReport


class StartedEvent(BaseModel):
    """These candidates are being sampled."""

    object: Literal["bestofn.started"] = "bestofn.started"
    indices: list[int]


class SnapshotEvent(BaseModel):
    """A running candidate has come so far."""

    object: Literal["bestofn.snapshot"] = "bestofn.snapshot"
    index: int
    text: str
    generator: str | None = Field(default=None, description="what samples it, of several")

    @classmethod
    def of(cls, candidate: Candidate) -> Self:
        """Of `candidate`."""
        return cls(index=candidate.index, text=candidate.text, generator=candidate.generator)


class CandidateEvent(CandidateReport):
    """More is known of a candidate; `rank` is null until all is decided."""

    object: Literal["bestofn.candidate"] = "bestofn.candidate"
    state: Outcome | Literal["scoring"] = Field(
        description="scoring: it passed the filters, and the reward model has not read it yet"
    )

    @classmethod
    def known(cls, record: ScoredCandidate, *, waits: bool) -> Self:
        """Of `record`.

        Args:
            record: as it is known now.
            waits: whether a reward model is still to score it, if it was kept.
        """
        fields = [name for name in CandidateReport.model_fields if name != "rank"]
        scoring = waits and record.kept
        state = "scoring" if scoring else record.outcome
        return cls(state=state, rank=None, **report(record, fields))  # type: ignore[arg-type]
