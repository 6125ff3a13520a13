"""Requests over fakes, driven by controllers that a test writes itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bestofn.control.policy import Policy
from bestofn.core.best_of_n import best_of_n
from bestofn.core.controller import Chain, Controller, Decision, Progress
from bestofn.core.pipeline import Pipeline
from bestofn.core.ranking import Ranking
from bestofn.core.types import Request


class Decides:
    """A controller made of a function."""

    def __init__(self, decide: Callable[[Progress], Decision]) -> None:
        self.decide = decide


def chained(*controllers: Controller, **fields: Any) -> Policy:
    """A policy that samples as these controllers say together."""
    return Policy("best_rejected", sampling=Chain(controllers), **fields)


async def ranked_by(pipeline: Pipeline, best_of: int = 4, **further: Any) -> Ranking:
    """What a request comes to."""
    return await best_of_n(Request.from_prompt("x", best_of=best_of), pipeline, **further)
