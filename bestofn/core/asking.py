"""Asking a controller: its decision, or a `ControllerError` that says what it did instead."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from bestofn.core.controller import WAIT, Controller, Decision, Progress, Round
from bestofn.core.no_winner import ControllerError

logger = logging.getLogger(__name__)


def decision_of(controller: Controller, progress: Progress) -> Decision:
    """What the controller decides.

    Raises:
        ControllerError: it raised, or returned what is no decision.
    """
    try:
        decision = controller.decide(progress)
    except Exception as error:  # somebody's code: its request fails, the process goes on
        logger.error("a controller raised", exc_info=error)
        raise ControllerError(f"the controller raised {type(error).__name__}: {error}") from error
    if decision is not WAIT and (wrong := _wrong(decision)) is not None:
        raise ControllerError(f"the controller returned {wrong}")
    return decision


def _wrong(decision: object) -> str | None:
    """What is wrong with it; None: nothing."""
    if not isinstance(decision, Decision):
        return f"{type(decision).__name__}, which is no Decision"
    good = {
        "start": isinstance(decision.start, int),
        "abort": isinstance(decision.abort, Mapping),
        "score": isinstance(decision.score, frozenset | set),
        "check": isinstance(decision.check, frozenset | set),
        "stop": isinstance(decision.stop, str | None),
        "wake": isinstance(decision.wake, int | float | None),
        "notes": isinstance(decision.notes, tuple | list),
        "round": isinstance(decision.round, Round | None),
    }
    name = next((name for name, fits in good.items() if not fits), None)
    return None if name is None else f"a Decision whose {name} is {getattr(decision, name)!r}"
