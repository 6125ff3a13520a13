"""Recommendation: the most accurate plan within a budget, as a profile for the settings."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, Self, get_args

from bestofn.core.errors import ConfigError
from bestofn.settings.sections import AnswerKeySettings, SelectorSettings
from bestofn.tuning.compare import Outcome

Cost = Literal["tokens", "steps"]
"""tokens: completion tokens, what throughput pays. steps: decode steps, what latency pays."""


@dataclass(frozen=True, slots=True)
class CostLimit:
    """The most that a request may cost on average, as a share of what it costs without stopping.

    Args:
        cost: of what.
        share: above 0.
    """

    cost: Cost
    share: float

    @classmethod
    def parse(cls, text: str) -> Self:
        """``tokens=0.4`` or ``steps=0.3``.

        Raises:
            ConfigError: it reads otherwise.
        """
        cost, _, share = text.partition("=")
        try:
            value = float(share)
        except ValueError:
            value = 0.0
        known: Cost | None = next((each for each in get_args(Cost) if each == cost), None)
        if known is None or not 0 < value < math.inf:
            raise ConfigError(f"budget: {text!r} is not like tokens=0.4 or steps=0.3")
        return cls(known, value)


def recommended(outcomes: Sequence[Outcome], whole: Outcome, limit: CostLimit) -> Outcome | None:
    """The most accurate outcome within the limit, the cheaper one of two; None: none is within it.

    Args:
        outcomes: to choose from.
        whole: what everything is compared with: the most candidates, nothing stopped.
        limit: of cost.

    Raises:
        ConfigError: there is no such cost, since no tokens were counted.
    """
    most = limit.share * getattr(whole, limit.cost)
    if not most > 0:  # it may be nan
        raise ConfigError(
            f"budget: the run does not tell the tokens of its candidates: no share of {limit.cost} "
            "can be kept"
        )
    within = [each for each in outcomes if getattr(each, limit.cost) <= most]
    return max(within, key=lambda each: (each.accuracy, -getattr(each, limit.cost)), default=None)


def profile_of(outcome: Outcome) -> dict[str, Any]:
    """The plan as a profile of the settings: what is written under ``profiles: {name: ...}``."""
    plan = outcome.plan
    profile: dict[str, Any] = {"best_of": plan.best_of, "selector": _named(plan.selector)}
    if plan.answer_key != AnswerKeySettings():
        profile["answer_key"] = _named(plan.answer_key)
    if plan.stop.rule != "none":
        profile["stop"] = plan.stop.model_dump(exclude_defaults=True)
    return profile


def _named(spec: SelectorSettings | AnswerKeySettings) -> Any:
    """As it is written in settings: a name, or a name with options."""
    return {spec.name: spec.options} if spec.options else spec.name
