"""Owns one row's way through the pipeline: to its record, whatever it comes to."""

from __future__ import annotations

from bestofn.dataset.recorder import Judged
from bestofn.dataset.records import failed_record, record_of
from bestofn.dataset.rows import Row
from bestofn.errors import (
    DeadlineError,
    GeneratorError,
    NothingAcceptableError,
    RequestError,
    RewardError,
)
from bestofn.pipeline import Pipeline, best_of_n


async def judged(row: Row, pipeline: Pipeline) -> Judged:
    """The record of a row; a row that fails has one that says why."""
    if row.request is None:
        return failed_record(row, row.error or "", unreadable=True), 0
    try:
        ranking = await best_of_n(row.request, pipeline)
    except NothingAcceptableError as error:
        if error.ranking is None:
            return failed_record(row, str(error)), 0
        ranking = error.ranking
    except (GeneratorError, RewardError, DeadlineError) as error:
        return failed_record(row, str(error)), 0
    except RequestError as error:
        return failed_record(row, str(error), unreadable=True), 0
    return record_of(row, ranking), ranking.usage.reward_tokens
