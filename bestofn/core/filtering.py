"""Filtering: a candidate through every filter, to its rejections or the failure of a filter."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence

from bestofn.core.protocols import Filter
from bestofn.core.ranking import ScoredCandidate
from bestofn.core.types import GENERATION_ERROR, Candidate, Failure, Rejection, Request

logger = logging.getLogger(__name__)


def filtered(request: Request, candidate: Candidate, filters: Sequence[Filter]) -> ScoredCandidate:
    """The candidate with the rejections of all filters, in their order.

    A filter that raises fails the candidate with reason ``filter_error``; the others still judge
    it. A candidate that the engine failed on (`Candidate.error`) is not shown to filters.
    """
    if candidate.error is not None:
        return ScoredCandidate(candidate, failure=Failure(GENERATION_ERROR, candidate.error))
    rejections: list[Rejection] = []
    failure: Failure | None = None
    for each in filters:
        try:
            rejection = each.check(request, candidate)
        except (Exception, asyncio.CancelledError) as error:
            # A user's code, whatever it raises: recorded on the candidate, never lost.
            logger.warning("filter %s raised", each.name, exc_info=error)
            detail = f"the filter {each.name} raised {type(error).__name__}: {error}"
            failure = Failure("filter_error", detail)
            continue
        if rejection is not None:
            rejections.append(rejection)
    return ScoredCandidate(candidate, tuple(rejections), failure)
