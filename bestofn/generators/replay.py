"""Replay of candidates that already exist, as a Generator: nothing is sampled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from bestofn.core.types import Candidate, Request


@dataclass(frozen=True, slots=True)
class ReplayGenerator:
    """Yields the given candidates, in order.

    Args:
        candidates: candidate i stands at position i.

    Attributes:
        snapshots: True, although it sends none: what it yields has ended, and is never on its way.
    """

    snapshots: ClassVar[bool] = True
    candidates: tuple[Candidate, ...]

    def sample(self, request: Request, indices: Sequence[int]) -> _Replay:
        """The candidates at `indices`; those past the end do not come."""
        return _Replay([self.candidates[at] for at in indices if at < len(self.candidates)])


class _Replay:
    def __init__(self, candidates: Sequence[Candidate]) -> None:
        self._left = iter(candidates)

    def __aiter__(self) -> _Replay:
        return self

    async def __anext__(self) -> Candidate:
        for candidate in self._left:
            return candidate
        raise StopAsyncIteration

    def abort(self, index: int) -> None:
        """Nothing runs."""

    async def aclose(self) -> None:
        """Nothing runs."""
