"""One row through the pipeline: sampled, scored, ranked, and made into its record."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from bestofn.core.best_of_n import best_of_n
from bestofn.core.errors import RequestError
from bestofn.core.no_winner import (
    ControllerError,
    DeadlineError,
    GeneratorError,
    NothingAcceptableError,
    RewardError,
)
from bestofn.core.pipeline import Pipeline
from bestofn.core.ranking import Ranking
from bestofn.core.types import Request
from bestofn.dataset.prompts.rows import Row
from bestofn.dataset.store.records import Record, defect, failed_record, record_of


@dataclass(frozen=True, slots=True)
class FinishedRow:
    """A row's record, and the tokens that the reward model computed for it."""

    record: Record
    reward_tokens: int = 0

    @classmethod
    def of(cls, row: Row, outcome: Ranking | Record) -> FinishedRow:
        """What is kept of an outcome; see `RowRunner`."""
        if not isinstance(outcome, Ranking):
            return cls(outcome)
        record = record_of(row, outcome)
        if (fault := defect(record)) is not None:  # what an upstream said that no table can hold
            record = failed_record(row, f"what came back cannot be kept: {fault}")
        return cls(record, outcome.usage.reward_tokens)


class RowRunner:
    """Runs each row by itself.

    Args:
        pipeline: what ranks.
        timeout: seconds that one row may take; None: as many as it takes.
    """

    def __init__(self, pipeline: Pipeline, timeout: float | None = None) -> None:
        self._pipeline = pipeline
        self._timeout = timeout

    async def run(self, row: Row) -> FinishedRow:
        """The record of a row; a row that fails has one that says why."""
        if row.request is None:
            return FinishedRow(failed_record(row, row.error or "", unreadable=True))
        return FinishedRow.of(row, await self._rank(row, row.request))

    async def _rank(self, row: Row, request: Request) -> Ranking | Record:
        """The ranking of a row's request, whether something was acceptable or not; a record that
        says why where there is none."""
        try:
            async with asyncio.timeout(self._timeout):
                return await best_of_n(request, self._pipeline)
        except TimeoutError:
            return failed_record(row, f"it was not done within {self._timeout:g} s")
        except NothingAcceptableError as error:
            return failed_record(row, str(error)) if error.ranking is None else error.ranking
        except (GeneratorError, RewardError, DeadlineError, ControllerError) as error:
            return failed_record(row, str(error))
        except RequestError as error:
            return failed_record(row, str(error), unreadable=True)
