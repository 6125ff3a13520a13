"""What one filter says of one candidate: a rejection, that it raised, or nothing."""

from __future__ import annotations

import asyncio
import logging

from bestofn.core.protocols import Filter
from bestofn.core.types import FILTER_ERROR, Candidate, Failure, Rejection, Request

logger = logging.getLogger(__name__)

Outcome = Rejection | Failure | None
"""A rejection, that the filter raised, or nothing."""


def outcome_of(judge: Filter, request: Request, candidate: Candidate) -> Outcome:
    """What a filter says; a `Failure` where it raises."""
    try:
        return judge.check(request, candidate)
    except (Exception, asyncio.CancelledError) as error:
        return filter_error(judge.name, error)


def filter_error(name: str, error: BaseException) -> Failure:
    """A filter that raised: a user's code, recorded on the candidate, never lost."""
    logger.warning("filter %s raised", name, exc_info=error)
    return Failure(FILTER_ERROR, f"the filter {name} raised {type(error).__name__}: {error}")
