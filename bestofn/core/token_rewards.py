"""What a reward model offers besides, where it says a number at every token: `TokenScorer`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from bestofn.core.types import Failure


@runtime_checkable
class TokenScorer(Protocol):
    """A reward model that says a number at every token."""

    async def score_tokens(
        self, texts: Sequence[str | Sequence[int]]
    ) -> list[Sequence[float] | Failure]:
        """Of each text, or of its tokens as they are, the reward of what stands before and at each
        token, in order; or why there are none."""
        ...
