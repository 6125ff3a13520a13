"""Filtering: a candidate through every filter, to its rejections or the failure of a filter."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence

from bestofn.core.protocols import Filter, Mending
from bestofn.core.ranking import ScoredCandidate
from bestofn.core.types import GENERATION_ERROR, Candidate, Failure, Rejection, Request

logger = logging.getLogger(__name__)


def filtered(
    request: Request,
    candidate: Candidate,
    filters: Sequence[Filter],
    menders: Sequence[Mending] = (),
) -> ScoredCandidate:
    """The candidate with the rejections of all filters, in their order.

    A filter that raises fails the candidate with reason ``filter_error``; the others still judge
    it. What a filter can take off is taken off first. A candidate that the engine failed on
    (`Candidate.error`) is not shown to filters.
    """
    if candidate.error is not None:
        return ScoredCandidate(candidate, failure=Failure(GENERATION_ERROR, candidate.error))
    rejections: list[Rejection] = []
    failure: Failure | None = None
    for mender in menders:
        try:
            candidate = mender.mend(candidate)
        except (Exception, asyncio.CancelledError) as error:
            failure = _filter_error(type(mender).__name__, error)
    for each in filters:
        try:
            rejection = each.check(request, candidate)
        except (Exception, asyncio.CancelledError) as error:
            failure = _filter_error(each.name, error)
            continue
        if rejection is not None:
            rejections.append(rejection)
    return ScoredCandidate(candidate, tuple(rejections), failure)


def _filter_error(name: str, error: BaseException) -> Failure:
    """A filter that raised: a user's code, recorded on the candidate, never lost."""
    logger.warning("filter %s raised", name, exc_info=error)
    return Failure("filter_error", f"the filter {name} raised {type(error).__name__}: {error}")
