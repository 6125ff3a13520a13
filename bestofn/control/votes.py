"""Votes: what stopping rules read off the accepted candidates, their answer keys and scores."""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bestofn.core.controller import WAIT, Decision, Progress
from bestofn.core.protocols import AnswerKey, Suiting
from bestofn.core.ranking import ScoredCandidate
from bestofn.core.types import Candidate, Request

REMEMBERED = 1024
"""Requests whose answer keys are remembered: more than are in flight at once."""


@dataclass(frozen=True, slots=True)
class _Known:
    """What was found for one request: the kind of its keys, whose they are, and by index the key of
    each candidate, None for one that does not vote."""

    kind: AnswerKey | None
    marks: Mapping[int, int]
    keys: Mapping[int, str | None]


class Votes:
    """The answer keys of accepted candidates, found once for each candidate that comes.

    Args:
        answer_key: None: nobody votes. One whose kind depends on all answers (`Suiting`) is asked
            for the kind that suits those that are there.
    """

    def __init__(self, answer_key: AnswerKey | None) -> None:
        self._answer_key = answer_key
        self._known: OrderedDict[str, _Known] = OrderedDict()

    def keys(self, progress: Progress) -> Mapping[int, str]:
        """The key of each accepted candidate that votes, by index."""
        accepted, request = progress.accepted, progress.request
        if self._answer_key is None or not accepted:
            return {}
        known = self._known.get(request.id)
        # By what they say, not their indices alone: one id may name several calls.
        marks = {each.index: _mark(each.candidate) for each in accepted}
        if known is None or known.marks != marks:
            candidates = [each.candidate for each in accepted]
            known = _found(self._answer_key, request, candidates, marks, known)
            self._known[request.id] = known
            self._known.move_to_end(request.id)
            if len(self._known) > REMEMBERED:
                self._known.popitem(last=False)
        return {index: key for index, key in known.keys.items() if key is not None}


def _mark(candidate: Candidate) -> int:
    """Tells candidates of one index apart, and keeps none of them; a text knows its hash."""
    message = candidate.message
    calls = message.get("tool_calls")
    return hash((candidate.text, candidate.finish_reason, repr(calls) if calls else None))


def _found(
    answer_key: AnswerKey,
    request: Request,
    candidates: Sequence[Candidate],
    marks: Mapping[int, int],
    before: _Known | None,
) -> _Known:
    """The keys of these candidates; those that were found before, if they are of the same kind."""
    kind: AnswerKey | None = answer_key
    if isinstance(answer_key, Suiting):
        kind = answer_key.suited(request, candidates)
    if kind is None:
        return _Known(None, marks, dict.fromkeys(marks))
    if before is None or before.kind != kind:
        before = _Known(kind, {}, {})
    keys = {
        each.index: before.keys[each.index]
        if before.marks.get(each.index) == marks[each.index]
        else kind.key(request, each)
        for each in candidates
    }
    return _Known(kind, marks, keys)


def counts_of(keys: Mapping[int, str]) -> Sequence[int]:
    """How many vote for each key, the most first."""
    return [count for _, count in Counter(keys.values()).most_common()]


def score_of(record: ScoredCandidate, *, rewards: bool) -> float | None:
    """How good a candidate is by itself; None: it is not known (yet).

    Args:
        record: the candidate.
        rewards: whether a reward model scores: then its reward, else its mean logprob.
    """
    return record.reward if rewards else record.candidate.mean_logprob


def scores_of(progress: Progress, *, rewards: bool) -> Mapping[int, float]:
    """The score of each accepted candidate that has one, by index, in order of completion."""
    scores = {each.index: score_of(each, rewards=rewards) for each in progress.accepted}
    return {index: score for index, score in scores.items() if score is not None}


def without_scores(progress: Progress, rule: str, *, rewards: bool) -> Decision:
    """What a rule decides that reads scores, where no accepted candidate has one: it waits. That
    the backend gives no log-probabilities is told, once it is no chance; rewards may still come."""
    if rewards or len(progress.accepted) < 2:
        return WAIT
    return Decision(notes=(f"{rule}: no accepted candidate has a score, so it stops nothing",))


def nothing_to_save(progress: Progress, most: int) -> bool:
    """Whether all that may be sampled has come back by itself: then no rule stops anything.

    Args:
        progress: of the request.
        most: candidates of a round.
    """
    if not progress.idle or progress.sampled - progress.round.first < most:
        return False
    return all(each.stopped is None for each in progress.finished.values())
