"""A cleaning: every record through the filters, and written where it belongs."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from bestofn.control.policy import Policy
from bestofn.core.best_of_n import best_of_n
from bestofn.core.no_winner import NothingAcceptableError
from bestofn.core.pipeline import Pipeline
from bestofn.core.protocols import Filter, Selector
from bestofn.core.ranking import ScoredCandidate
from bestofn.dataset.cleaning.answers import Answered, NoAnswerError, read_answers
from bestofn.dataset.cleaning.tally import Tally
from bestofn.dataset.prompts.json_records import InputRecord
from bestofn.generators.replay import ReplayGenerator
from bestofn.selection.argmax import ArgmaxSelector
from bestofn.support.candidate_report import report

AT_ONCE = 32
"""Records that are judged at once, so that long answers are judged on several processors."""

Write = Callable[[Mapping[str, Any]], None]


@dataclass(frozen=True, slots=True)
class Cleaning:
    """What is done with each record.

    Args:
        filters: that judge.
        columns: see `bestofn.dataset.cleaning.answers.read_answers`.
        kept: takes the records of what is kept.
        rejected: takes the records of what is rejected, each with ``bestofn``: the rejections of
            each of its answers.
        on_broken: told where a record stands that cannot be read, and why.
        strict: whether what is only suspected is rejected too.
    """

    filters: Sequence[Filter]
    columns: Mapping[str, str]
    kept: Write
    rejected: Write
    on_broken: Callable[[str, str], None]
    strict: bool = False

    async def run(self, records: Iterable[InputRecord], tally: Tally) -> None:
        """Judge and write every record, in order, and count them in `tally`."""
        rows = self._rows(records, tally)
        while batch := list(itertools.islice(rows, AT_ONCE)):
            judged = await asyncio.gather(*map(self._judge, batch))
            for row, answers in zip(batch, judged, strict=True):
                tally.without_prompt += not row.asked
                for each in answers:
                    tally.add(row.source, each)
                self._write(row, answers, tally)

    def _rows(self, records: Iterable[InputRecord], tally: Tally) -> Iterator[Answered]:
        for number, (source, record) in enumerate(records):
            tally.rows += 1
            try:
                yield read_answers(number, source, record, self.columns)
            except NoAnswerError as error:
                tally.broken += 1
                self.on_broken(source, str(error))

    async def _judge(self, row: Answered) -> Sequence[ScoredCandidate]:
        """The answers with what the filters say, in their order."""
        generator = ReplayGenerator(row.candidates)
        # Without rewards this selector orders nothing, and nothing is to be ordered.
        selector = cast(Selector, ArgmaxSelector())
        pipeline = Pipeline(generator, selector, self.filters, policy=Policy("error"))
        try:
            ranking = await best_of_n(row.request, pipeline)
        except NothingAcceptableError as error:
            if error.ranking is None:
                raise
            ranking = error.ranking
        return sorted(ranking.candidates, key=lambda each: each.index)

    def _write(self, row: Answered, answers: Sequence[ScoredCandidate], tally: Tally) -> None:
        good = [each for each in answers if self._is_good(each)]
        bad = [each for each in answers if not self._is_good(each)]
        if bad and not row.separable:
            good, bad = [], list(answers)
        if good and bad:
            tally.cut.update(row.beside)
            tally.left_whole.update(row.whole)
        if good:
            self.kept(row.with_answers([each.candidate for each in good]))
        if bad:
            record = row.with_answers([row.candidates[each.index] for each in bad])
            why = [report(each, ("rejections", "failure")) for each in bad]
            self.rejected({**record, "bestofn": why})

    def _is_good(self, record: ScoredCandidate) -> bool:
        return record.accepted if self.strict else record.kept
