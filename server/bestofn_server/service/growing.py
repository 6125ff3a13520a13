"""Growing limits: what a candidate of a later round may have, for which admission holds its place.

max_tokens 128, grow 4, three rounds    ->  2,048, where server, model and admission let it
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable

from bestofn.control.policy import Policy
from bestofn.core.pipeline import Pipeline


def grown_within(
    pipeline: Pipeline, first: int, caps: Iterable[int | None]
) -> tuple[Pipeline, int]:
    """The pipeline, and the largest limit that a candidate of any of its rounds has: what a request
    may hold at once, since a round begins when the one before has ended.

    Args:
        pipeline: whose policy says by how much a later round raises the limit.
        first: the limit of the first round; where the request names none, the assumed one.
        caps: beyond which no round raises it; None: not known.
    """
    policy = pipeline.policy
    if not isinstance(policy, Policy) or policy.grow == 1:
        return pipeline, first
    known = [cap for cap in (*caps, policy.budget.candidate_tokens) if cap is not None]
    most = max(first, min(known, default=first))
    highest = first
    if policy.on_exhausted == "resample":
        for _ in range(1, policy.max_rounds):
            if highest >= most:
                break
            highest = min(most, math.ceil(highest * policy.grow))
    budget = dataclasses.replace(policy.budget, candidate_tokens=highest)
    policy = dataclasses.replace(policy, budget=budget)
    return dataclasses.replace(pipeline, policy=policy), highest
