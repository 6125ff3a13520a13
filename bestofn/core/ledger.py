"""The ledger of one request: every candidate with what is known of it, the clocks, the ranking."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Sequence
from dataclasses import dataclass

from bestofn.core.controller import Round
from bestofn.core.observer import Observer
from bestofn.core.ranking import (
    DEADLINE,
    Ranking,
    ScoredCandidate,
    Selection,
    Timings,
    Usage,
)
from bestofn.core.types import (
    GENERATION_ERROR,
    Candidate,
    Failure,
    Rejection,
    Request,
    Score,
    Stopped,
)


@dataclass(frozen=True, slots=True)
class Unscored(Stopped):
    """Why a candidate that was finished and judged has no reward: a rule ended the request."""


class Ledger:
    """Holds the records of one request, and makes its `Ranking`.

    Args:
        request: whose candidates they are.
        observer: told of each record.
        earlier: a ranking of the same request with fewer candidates: its records, rounds, tokens
            and seconds count on.

    Attributes:
        records: by index, in order of completion; those of the earlier ranking first, by index.
        waves: how often candidates were started in this call.
        rounds: begun budgets of best_of candidates; those of the earlier ranking count on.
        round: the one that is sampled.
        notes: sentences for the ranking, each once.
        stopped_by: the rule that ended the request early.
        reward_tokens: what the reward model computed.
        scoring_seconds: during which it was called.
    """

    def __init__(self, request: Request, observer: Observer, earlier: Ranking | None) -> None:
        self._request = request
        self._observer = observer
        spent = Timings() if earlier is None else earlier.timings
        self._began = time.perf_counter()
        self._spent_before = spent.total
        self._first_candidate = spent.first_candidate
        self._sampling_seconds = spent.sampling
        self._sampling_since: float | None = None
        self._waves_running = 0
        self._selection_seconds = spent.selection
        self.scoring_seconds = spent.scoring
        self.reward_tokens = 0 if earlier is None else earlier.usage.reward_tokens
        self.waves = 0
        self.rounds = 0 if earlier is None else earlier.rounds
        self.round = Round()
        self._round_end = 0
        self.notes: list[str] = [] if earlier is None else [*earlier.notes]
        self.stopped_by: str | None = None
        self._rules: set[str] = set()
        self.records: dict[int, ScoredCandidate] = {}
        # A ranking is in the order of ranks; that of completion is not known any more.
        for record in sorted(() if earlier is None else earlier.candidates, key=_index):
            self._recall(record)

    @property
    def elapsed(self) -> float:
        """Seconds since this call began."""
        return time.perf_counter() - self._began

    @property
    def kept(self) -> Sequence[ScoredCandidate]:
        """The accepted and the suspected."""
        return [each for each in self.records.values() if each.kept]

    @property
    def reward_model_failed(self) -> bool:
        """Whether something could be ranked, had the reward model not failed on it."""
        return any(each.lost_to_reward_model for each in self.records.values())

    def note(self, *sentences: str) -> None:
        """Tell of something in the ranking, each once."""
        self.notes += [each for each in dict.fromkeys(sentences) if each not in self.notes]

    @property
    def prompt_tokens(self) -> int | None:
        """Those of the prompt; None where nobody counted."""
        return _prompt_tokens([*self.records.values()])

    def round_begins(self, begun: Round | None) -> None:
        """The next wave is the first of another round, whose limit is told where it is another one;
        None: the round goes on."""
        if begun is None:
            return
        if begun.max_tokens is not None and begun.max_tokens != self.round.max_tokens:
            before = self.round.max_tokens or self._request.max_tokens
            instead = "" if before is None else f", before {before}"
            self.note(
                "candidates were cut at their limit, and nothing was acceptable: another round was "
                f"sampled with max_tokens {begun.max_tokens}{instead}"
            )
        self.round = begun

    def wave_started(self, indices: Sequence[int]) -> None:
        """Candidates were started."""
        self.waves += 1
        if indices[0] >= self._round_end:
            self.rounds += 1
            best_of = self._request.best_of
            self._round_end = (indices[0] // best_of + 1) * best_of
        if not self._waves_running:
            self._sampling_since = time.perf_counter()
        self._waves_running += 1
        self._observer.started(self._request, indices)

    def wave_ended(self, indices: Sequence[int]) -> None:
        """None of these is sampled any more."""
        self._waves_running -= 1
        if not self._waves_running and self._sampling_since is not None:
            self._sampling_seconds += time.perf_counter() - self._sampling_since
        self._observer.sampling_ended(self._request, indices)

    def finished(self, record: ScoredCandidate) -> None:
        """A candidate came back and was filtered."""
        self._first_candidate = self._first_candidate or self._spent_before + self.elapsed
        self._write_finished(record)

    def missing(self, index: int, why: str) -> None:
        """A candidate will not come back: the engine lost it."""
        nothing = Candidate.without_answer(self._request, index, "error", why)
        self._write_finished(ScoredCandidate(nothing, failure=Failure(GENERATION_ERROR, why)))

    def stopped(
        self,
        candidate: Candidate,
        rule: str,
        what: str = "not finished",
        *,
        rejection: Rejection | None = None,
    ) -> None:
        """A candidate did not finish, or was not judged, since a rule ended it; with the rejection
        that it would have had for certain."""
        self._rules.add(rule)
        failure = Stopped(rule, f"{what} {_when(rule)}")
        rejections = () if rejection is None else (rejection,)
        self._write_finished(ScoredCandidate(candidate, rejections, failure))

    def scored(self, indices: Sequence[int], score: Score) -> None:
        """These candidates, which read the same, have this score."""
        for index in indices:
            self._write_scored(self.records[index].with_score(score))

    def give_up_scoring(self, rule: str) -> None:
        """What could be ranked and has no reward will get none, since a rule ended the request."""
        failure = Unscored(rule, f"not scored {_when(rule)}")
        for record in self.kept:
            if record.reward is None:
                self._rules.add(rule)
                self._write_scored(dataclasses.replace(record, failure=failure))

    def rank(self, selections: Sequence[Selection], seconds: float) -> None:
        """Give ranks, those of the first selection first, then those of the next, and keys."""
        self._selection_seconds += seconds
        ordered = ((i, each.keys.get(i)) for each in selections for i in each.order)
        for rank, (index, key) in enumerate(ordered, start=1):
            self.records[index] = self.records[index].with_rank(rank, key)

    def ranking(
        self, selections: Sequence[Selection] = (), *, fallback: str | None = None
    ) -> Ranking:
        """Everything that is known now, ranked candidates first, then by index."""
        records = sorted(
            self.records.values(), key=lambda each: (each.rank is None, each.rank or 0, each.index)
        )
        return Ranking(
            request=self._request,
            candidates=tuple(records),
            fallback=fallback,
            rounds=self.rounds,
            usage=Usage(
                prompt_tokens=_prompt_tokens(records),
                completion_tokens=_sum([c.candidate.counted_tokens for c in records]),
                reward_tokens=self.reward_tokens,
            ),
            timings=Timings(
                total=self._spent_before + self.elapsed,
                first_candidate=self._first_candidate,
                sampling=self._sampling_seconds,
                scoring=self.scoring_seconds,
                selection=self._selection_seconds,
            ),
            deadline_reached=DEADLINE in self._rules or self.stopped_by == DEADLINE,
            notes=tuple(self.notes),
            stopped_by=self.stopped_by,
            confidence=selections[0].confidence if selections else None,
            values={i: value for each in selections for i, value in each.values.items()},
            chosen_by=selections[0].chosen_by if selections else None,
        )

    def _recall(self, record: ScoredCandidate) -> None:
        """A candidate of before: as it was filtered and scored, unless it was a fallback. One that
        the reward model failed on, or that a rule kept from it, is scored now."""
        if record.lost_to_reward_model or isinstance(record.failure, Unscored):
            record = dataclasses.replace(record, failure=None)
        elif not record.kept:
            record = dataclasses.replace(record, reward=None, components={}, cut=0)
        self.records[record.index] = record.with_rank(None)

    def _write_finished(self, record: ScoredCandidate) -> None:
        self.records[record.index] = record
        self._observer.finished(self._request, record)

    def _write_scored(self, record: ScoredCandidate) -> None:
        self.records[record.index] = record
        self._observer.scored(self._request, record)


def _index(record: ScoredCandidate) -> int:
    return record.index


def _when(rule: str) -> str:
    return "at the deadline" if rule == DEADLINE else f"when the rule {rule} stopped it"


def _prompt_tokens(records: Sequence[ScoredCandidate]) -> int | None:
    """Those of the prompt, which every candidate has; None where nobody counted."""
    counts = [c.candidate.prompt_tokens for c in records]
    known = [count for count in counts if count is not None]
    return max(known) if known else None if counts else 0


def _sum(counts: Sequence[int | None]) -> int | None:
    """The sum; None where one is not known."""
    known = [count for count in counts if count is not None]
    return sum(known) if len(known) == len(counts) else None
