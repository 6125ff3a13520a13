"""Verdicts: what a check may say of an answer, and the score that each makes."""

from __future__ import annotations

import math
import numbers
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from bestofn.core.types import Failure, Score

Check = Callable[..., Any]
"""``(request, candidate) -> Verdict``, or a coroutine function that returns one."""

Verdict = bool | float | Score | Failure | None
"""True is the reward 1, False 0; a number is the reward; a `Score` stays as it is. A `Failure`
says why the answer cannot be judged; None that it cannot be, reason ``no_verdict``."""

NO_REFERENCE = "no_reference"
"""`Failure.reason` where the request holds nothing to compare with."""

UNUSABLE_REFERENCE = "unusable_reference"
"""Where what it holds cannot be read."""

NO_VERDICT = "no_verdict"
"""Where the check returned None, or a score without a reward."""

WRONG_TYPE = "wrong_type"
"""Where it returned something else than a `Verdict`."""

RAISED = "verifier_error"
"""Where it raised, or its process died."""

TIMED_OUT = "verifier_timeout"
"""Where it took longer than it may."""


def score_from_verdict(verdict: object, name: str) -> Score:
    """The score that a verdict stands for; a failure where it is no `Verdict`.

    Args:
        verdict: what the check returned.
        name: the verifier's; begins the failures' details.
    """
    if isinstance(verdict, Failure):
        return Score(None, failure=verdict)
    if isinstance(verdict, bool | np.bool_):
        return Score(1.0 if verdict else 0.0)
    if isinstance(verdict, numbers.Real):
        return _checked(Score(_float(verdict)), name)
    if isinstance(verdict, Score):
        return verdict if verdict.failure is not None else _checked(verdict, name)
    if verdict is None:
        return Score(None, failure=Failure(NO_VERDICT, f"{name} gave no verdict"))
    what = type(verdict).__name__
    detail = f"{name} returned {what}; it has to be a bool, a number, a Score, a Failure or None"
    return Score(None, failure=Failure(WRONG_TYPE, detail))


def _float(number: numbers.Real) -> float:
    try:
        return float(number)
    except OverflowError:
        return math.inf


def _checked(score: Score, name: str) -> Score:
    if score.reward is None:
        failure = Failure(NO_VERDICT, f"{name} returned a score without a reward")
        return replace(score, failure=failure)
    checked = Score.of(score.reward, tokens=score.tokens, cut=score.cut, by=name)
    return replace(checked, components=score.components)
