"""Short ways to write candidates and to call a reward model."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from bestofn.core.protocols import RewardModel
from bestofn.core.types import Candidate, Request
from bestofn.rewards.local.batch import Batch
from bestofn.rewards.local.readers import Reading
from bestofn.rewards.transformers import TransformersRewardModel


def candidate(text: str, finish_reason: str = "stop", index: int = 0) -> Candidate:
    """One with this text."""
    return Candidate(index, {"role": "assistant", "content": text}, finish_reason)


def candidates(texts: Sequence[str], finish_reason: str = "stop") -> list[Candidate]:
    """One for each text, in order."""
    return [candidate(text, finish_reason, index) for index, text in enumerate(texts)]


async def rewards(model: RewardModel, request: Request, given: Sequence[Candidate]) -> list[float]:
    """The rewards, where every candidate has one."""
    scores = await model.score(request, given)
    assert [score.failure for score in scores] == [None] * len(given)
    return [score.reward for score in scores if score.reward is not None]


def values(readings: Sequence[Reading]) -> list[float]:
    """The one value of each."""
    return [value for reading in readings for (value,) in [reading.values]]


@contextmanager
def forwards(model: TransformersRewardModel) -> Iterator[list[int]]:
    """The number of texts in each forward that runs meanwhile."""
    batcher = model._batcher
    original = batcher._forward
    sizes: list[int] = []

    def counted(texts: Batch) -> Sequence[Reading]:
        sizes.append(len(texts))
        return original(texts)

    batcher._forward = counted
    yield sizes
    batcher._forward = original
