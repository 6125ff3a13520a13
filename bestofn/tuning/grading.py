"""Grading: which recorded candidates are right, by a verifier, the reference, or their agreement.

`Grade` says which of the three it was: a share of right answers means something else in each.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from bestofn.builders.choosing import build_answer_key, build_selector
from bestofn.control.policy import Policy
from bestofn.core.best_of_n import best_of_n
from bestofn.core.errors import ConfigError
from bestofn.core.no_winner import NoWinnerError
from bestofn.core.protocols import AnswerKey, RewardModel, Suiting
from bestofn.core.types import Candidate
from bestofn.settings.sections import AnswerKeySettings, SelectorSettings
from bestofn.support.reference_text import reference_text
from bestofn.tuning.recorded import RecordedRow
from bestofn.tuning.replay import Replay

By = Literal["check", "reference", "agreement"]
"""check: a verifier said so. reference: its answer key is the reference's. agreement: it says the
same as the winner of all recorded candidates, so that it measures what is lost by sampling less."""

RIGHT = 0.5
"""Reward of a verifier from which an answer is right."""


@dataclass(frozen=True, slots=True)
class Graded:
    """Rows with a verdict for each of their candidates.

    Args:
        by: how it was found out.
        rows: those that could be graded.
        right: of each row, whether the candidate of an index is right.
    """

    by: By
    rows: Sequence[RecordedRow]
    right: Sequence[Mapping[int, bool]]


async def graded(
    rows: Sequence[RecordedRow],
    check: RewardModel | None,
    answer_key: AnswerKeySettings | None = None,
) -> Graded:
    """Grade by `check` where one is given, else by references where any row has one, else by
    agreement. Rows that cannot be graded so are left out.

    Args:
        rows: recorded candidates.
        check: a verifier.
        answer_key: what of an answer is compared; None: what suits the answers.

    Raises:
        ConfigError: nothing could be graded, or the answer key is wrong.
    """
    key = build_answer_key(answer_key or AnswerKeySettings())
    by: By = "agreement"
    if check is not None:
        by = "check"
        verdicts = [await _checked(row, check) for row in rows]
    elif any(row.request.reference is not None for row in rows):
        by = "reference"
        verdicts = [_compared(row, key) for row in rows]
    else:
        verdicts = [await _agreeing(row, key) for row in rows]
    pairs = [(row, each) for row, each in zip(rows, verdicts, strict=True) if each is not None]
    if not pairs:
        raise ConfigError(f"compare: no row could be graded by {by}")
    return Graded(by, [row for row, _ in pairs], [each for _, each in pairs])


async def _checked(row: RecordedRow, check: RewardModel) -> Mapping[int, bool] | None:
    scores = await check.score(row.request, [each.candidate for each in row.candidates])
    if any(score.reward is None for score in scores):
        return None
    return {
        each.index: (score.reward or 0.0) >= RIGHT
        for each, score in zip(row.candidates, scores, strict=True)
    }


def _compared(row: RecordedRow, answer_key: AnswerKey) -> Mapping[int, bool] | None:
    """Whether each says what the reference does; None: there is none, or it has no answer key."""
    if row.request.reference is None:
        return None
    said = reference_text(row.request.reference)
    key = _suited(row, answer_key)
    right = Candidate(-1, {"role": "assistant", "content": said}, "stop")
    wanted = None if key is None else key.key(row.request, right)
    if key is None or wanted is None:
        return None
    return {each.index: key.key(row.request, each.candidate) == wanted for each in row.candidates}


async def _agreeing(row: RecordedRow, answer_key: AnswerKey) -> Mapping[int, bool] | None:
    """Whether each says what the winner of all does."""
    selector = build_selector(SelectorSettings(), answer_key)
    request = dataclasses.replace(row.request, best_of=len(row.candidates))
    pipeline = Replay(row.candidates).pipeline(selector, Policy("best_rejected"))
    try:
        winner = (await best_of_n(request, pipeline)).winner
    except NoWinnerError:
        return None
    if winner is None:
        return None
    key = _suited(row, answer_key)

    def said(candidate: Candidate) -> str:
        found = None if key is None else key.key(row.request, candidate)
        return candidate.text if found is None else found

    wanted = said(row.candidates[winner.index].candidate)
    return {each.index: said(each.candidate) == wanted for each in row.candidates}


def _suited(row: RecordedRow, key: AnswerKey) -> AnswerKey | None:
    if isinstance(key, Suiting):
        return key.suited(row.request, [each.candidate for each in row.candidates])
    return key
