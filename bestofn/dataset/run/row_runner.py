"""Owns one row's way through the pipeline: to its record, whatever it comes to."""

from __future__ import annotations

from bestofn.core.best_of_n import best_of_n
from bestofn.core.errors import RequestError
from bestofn.core.no_winner import (
    DeadlineError,
    GeneratorError,
    NothingAcceptableError,
    RewardError,
)
from bestofn.core.pipeline import Pipeline
from bestofn.core.ranking import Ranking
from bestofn.core.types import Request
from bestofn.dataset.prompts.rows import Row
from bestofn.dataset.run.recorder import Judged
from bestofn.dataset.store.records import Record, failed_record, record_of


class Judge:
    """Judges each row by itself.

    Args:
        pipeline: what ranks.
    """

    def __init__(self, pipeline: Pipeline) -> None:
        self._pipeline = pipeline

    async def judged(self, row: Row) -> Judged:
        """The record of a row; a row that fails has one that says why."""
        if row.request is None:
            return failed_record(row, row.error or "", unreadable=True), 0
        return recorded(row, await outcome(row, row.request, self._pipeline))

    def skipped(self, row: Row) -> None:
        """Told of a row that was finished before."""

    def ended(self, rows: int) -> None:
        """Told that the input has so many rows, each of which was begun or skipped."""


async def outcome(
    row: Row, request: Request, pipeline: Pipeline, earlier: Ranking | None = None
) -> Ranking | Record:
    """The ranking of a row's request, whether something was acceptable or not; a record that says
    why where there is none.

    Args:
        row: whose it is.
        request: its own, or one with fewer or more candidates.
        pipeline: what ranks.
        earlier: see `best_of_n`.
    """
    try:
        return await best_of_n(request, pipeline, earlier=earlier)
    except NothingAcceptableError as error:
        return failed_record(row, str(error)) if error.ranking is None else error.ranking
    except (GeneratorError, RewardError, DeadlineError) as error:
        return failed_record(row, str(error))
    except RequestError as error:
        return failed_record(row, str(error), unreadable=True)


def recorded(row: Row, found: Ranking | Record) -> Judged:
    """What is kept of an outcome."""
    if isinstance(found, Ranking):
        return record_of(row, found), found.usage.reward_tokens
    return found, 0
