"""The observer of a request whose client wants to see every candidate as it finishes."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Sequence

from pydantic import BaseModel

from bestofn.core.observer import Observer
from bestofn.core.ranking import ScoredCandidate
from bestofn.core.types import Candidate, Request
from bestofn_server.wire.candidate_events import CandidateEvent, SnapshotEvent, StartedEvent


class Watching(Observer):
    """Events of one request, until `close`.

    A client that reads slowly holds as many events as there are candidates, twice: of a running
    one only the latest snapshot is kept.

    Args:
        scored: whether a reward model scores what the filters keep.
    """

    def __init__(self, *, scored: bool) -> None:
        self._scored = scored
        self._events: deque[BaseModel] = deque()
        self._snapshots: dict[int, Candidate] = {}
        self._more = asyncio.Event()
        self._closed = False

    def started(self, request: Request, indices: Sequence[int]) -> None:
        """See `Observer`."""
        self._tell(StartedEvent(indices=list(indices)))

    def snapshot(self, request: Request, candidate: Candidate) -> None:
        """See `Observer`."""
        self._snapshots[candidate.index] = candidate
        self._more.set()

    def finished(self, request: Request, record: ScoredCandidate) -> None:
        """See `Observer`."""
        self._snapshots.pop(record.index, None)
        self._tell(CandidateEvent.known(record, waits=self._scored))

    def scored(self, request: Request, record: ScoredCandidate) -> None:
        """See `Observer`."""
        self._tell(CandidateEvent.known(record, waits=False))

    def close(self) -> None:
        """Nothing more comes."""
        self._closed = True
        self._more.set()

    async def events(self) -> AsyncGenerator[BaseModel]:
        """What happened, in its order, as it happens."""
        while True:
            self._more.clear()
            while self._events:
                yield self._events.popleft()
            while self._snapshots:
                _, latest = self._snapshots.popitem()
                yield SnapshotEvent.of(latest)
            if self._closed and not self._events:
                return
            if not self._events and not self._snapshots:
                await self._more.wait()

    def _tell(self, event: BaseModel) -> None:
        self._events.append(event)
        self._more.set()
