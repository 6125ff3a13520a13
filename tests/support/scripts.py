"""Scripts for `best_of_n`: two small filters, rewards by text, and a pipeline over fakes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bestofn.control.policy import Policy
from bestofn.core.pipeline import Pipeline
from bestofn.core.protocols import Filter
from bestofn.core.ranking import Ranking, ScoredCandidate
from bestofn.core.types import Candidate, Rejection, Request
from bestofn.selection.argmax import ArgmaxSelector
from bestofn.testing import FakeCompletion, FakeGenerator, FakeRewardModel

REWARDS = {"good": 1.0, "better": 2.0, "bad": -1.0, "cut": 0.5, "loop": 0.1}


@dataclass(frozen=True, slots=True)
class CutFilter:
    """Rejects what did not end by itself."""

    name: str = "cut"

    def check(self, request: Request, candidate: Candidate) -> Rejection | None:
        if candidate.finish_reason == "stop":
            return None
        return Rejection(self.name, str(candidate.finish_reason), "it did not end")


@dataclass(frozen=True, slots=True)
class LoopFilter:
    """Rejects what speaks of a loop."""

    name: str = "loop"

    def check(self, request: Request, candidate: Candidate) -> Rejection | None:
        return Rejection(self.name, "loop", "it loops") if "loop" in candidate.text else None


CUT = FakeCompletion("cut", finish_reason="length")
FILTERS: Sequence[Filter] = (CutFilter(), LoopFilter())


def pipeline_of(
    script: Any,
    rewards: Any = REWARDS,
    *,
    filters: Sequence[Filter] = FILTERS,
    policy: Policy | None = None,
) -> tuple[Pipeline, FakeGenerator, FakeRewardModel]:
    """A pipeline over a script and rewards, and the fakes that it is made of."""
    generator = script if isinstance(script, FakeGenerator) else FakeGenerator(script)
    reward_model = rewards if isinstance(rewards, FakeRewardModel) else FakeRewardModel(rewards)
    pipeline = Pipeline(
        generator, ArgmaxSelector(), filters, reward_model, policy or Policy("best_rejected")
    )
    return pipeline, generator, reward_model


def states(ranking: Ranking) -> dict[int, str]:
    """One word on each candidate."""

    def state(c: ScoredCandidate) -> str:
        if c.failure is not None:
            return c.failure.reason
        return "+".join(r.reason for r in c.rejections) or f"rank {c.rank}"

    return {c.index: state(c) for c in ranking.candidates}
