"""The `bestofn` object of a response: what was sampled, thrown out, scored and spent."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, Literal, Self

from pydantic import BaseModel, Field

from bestofn.core.ranking import Ranking, ScoredCandidate
from bestofn.support.candidate_report import FIELDS, ReportField, report

Detail = Literal["none", "summary", "full"]


class RejectionReport(BaseModel):
    """Why a filter threw a candidate out."""

    filter: str
    reason: str
    detail: str
    certain: bool = Field(
        description="false: a suspicion; a candidate with nothing else against it is ranked behind "
        "those that are accepted"
    )
    span: list[int] | None = Field(
        default=None,
        description="characters [start, end) of its text that are the evidence, where it is in one "
        "place",
    )


class FailureReport(BaseModel):
    """Why a candidate could not be sampled, filtered or scored, or what rule stopped it."""

    reason: str
    detail: str


class CandidateReport(BaseModel):
    """One candidate; `text` and `message` only where all of it was asked for."""

    index: int = Field(description="which of the sampled, from 0")
    rank: int | None = Field(description="1 is the best; null: it was not ranked")
    reward: float | None = Field(description="higher is better, within this prompt only")
    components: dict[str, float] = Field(description="named parts of the reward, where it has any")
    cut: int = Field(description="tokens that the reward model was not shown: too many for it")
    finish_reason: str | None = Field(description="the engine's own word for why it ended")
    completion_tokens: int | None
    seed: int | None
    answer_key: str | None = Field(description="what of it was voted on; null: it did not vote")
    mean_logprob: float | None = Field(
        description="mean logarithm of its tokens' probabilities; null: not known"
    )
    rejections: list[RejectionReport] = Field(description="by each filter that threw it out")
    failure: FailureReport | None
    generator: str | None = Field(default=None, description="what sampled it, of several")
    text: str | None = None
    message: dict[str, Any] | None = None

    @classmethod
    def of(cls, record: ScoredCandidate, *, full: bool) -> Self:
        """The report of `record`."""
        told = report(record, (*_SUMMARY, *_TEXTS) if full else _SUMMARY)
        return cls(**told, **_sampled_by(record))


_TEXTS: tuple[ReportField, ...] = ("text", "message")
_SUMMARY: tuple[ReportField, ...] = tuple(
    field
    for field in FIELDS
    if field in CandidateReport.model_fields and field not in (*_TEXTS, "generator")
)


def _sampled_by(record: ScoredCandidate) -> dict[str, Any]:
    """Which of several generators; a report of one alone does not have the field."""
    name = record.candidate.generator
    return {} if name is None else {"generator": name}


class ReturnedReport(BaseModel):
    """A choice of the response: which candidate it is, and the engine's own finish reason."""

    candidate: int = Field(description="its index among the sampled")
    reward: float | None
    finish_reason: str | None
    generator: str | None = Field(default=None, description="what sampled it, of several")


class TimingsReport(BaseModel):
    """Milliseconds; scoring overlaps sampling."""

    total_ms: float
    first_candidate_ms: float
    sampling_ms: float
    scoring_ms: float
    selection_ms: float


class TokensReport(BaseModel):
    """Tokens: of the returned choices, of all candidates, and read by the reward model; null where
    the upstream did not count."""

    returned: int | None
    all_candidates: int | None
    scorer: int


class StoppedReport(BaseModel):
    """How sampling ended before all candidates were there."""

    rule: str | None = Field(
        description="the rule that ended the request; null: candidates were aborted, and it went on"
    )
    sampled: int = Field(description="candidates that were started")
    aborted: dict[str, int] = Field(
        description="how many of them did not finish, or were not scored, by the rule"
    )
    tokens_saved: int = Field(
        description="estimated from the length of the candidates that finished"
    )

    @classmethod
    def of(cls, ranking: Ranking) -> Self | None:
        """Of `ranking`; None: nothing was stopped."""
        if ranking.stopped_by is None and not ranking.stopped:
            return None
        return cls(
            rule=ranking.stopped_by,
            sampled=len(ranking.candidates),
            aborted=dict(ranking.stopped),
            tokens_saved=ranking.tokens_saved,
        )


class ChosenByReport(BaseModel):
    """How the winner was chosen."""

    rule: str = Field(description="the selector; of `auto` the one that it took")
    answer_key: str | None = Field(description="what was voted on; null: nothing")
    score: str | None = Field(description="reward, mean_logprob, or null: there were no scores")


class BestOfNReport(BaseModel):
    """What bestofn did for one prompt."""

    best_of: int = Field(description="how many were asked for")
    sampled: int = Field(description="how many were sampled, in all rounds")
    accepted: int = Field(description="how many of them no filter rejected and nothing failed")
    rejected: dict[str, int] = Field(description="how many were rejected, by reason")
    suspected: dict[str, int] = Field(
        description="how many are only suspected, by reason; they are ranked behind the accepted"
    )
    failed: dict[str, int] = Field(description="how many failed, or were stopped, by reason")
    stopped: StoppedReport | None = Field(
        description="what a rule, the deadline or the budget stopped; null: nothing was stopped"
    )
    confidence: float | None = Field(
        description="0 to 1, that the winner is the right choice; null: the selector has none"
    )
    chosen_by: ChosenByReport | None = Field(
        description="how the winner was chosen; null: nothing was ranked"
    )
    winner: int | None = Field(description="the index of the best among the sampled")
    rewards: list[float | None] = Field(description="of the choices, in their order")
    returned: list[ReturnedReport] = Field(description="the choices, in their order")
    fallback: str | None = Field(
        description="the policy that was used since nothing was acceptable; null: it was not needed"
    )
    rounds: int = Field(description="how many rounds were sampled")
    deadline_reached: bool = Field(description="whether the deadline ended the sampling")
    notes: list[str] = Field(description="what was done otherwise than asked, in sentences")
    timings: TimingsReport
    tokens: TokensReport
    candidates: list[CandidateReport] | None = Field(
        default=None, description="every candidate, where `return_candidates` asks for them"
    )

    @classmethod
    def of(cls, ranking: Ranking, returned: list[ScoredCandidate], detail: Detail) -> Self:
        """The report of `ranking`, of which `returned` are in the response."""
        counts = [record.candidate.completion_tokens for record in returned]
        known = [count for count in counts if count is not None]
        milliseconds = {
            f"{name}_ms": round(getattr(ranking.timings, name) * 1000, 3)
            for name in ("total", "first_candidate", "sampling", "scoring", "selection")
        }
        told: dict[str, Any] = {}
        if detail != "none":
            full = detail == "full"
            told = {"candidates": [CandidateReport.of(c, full=full) for c in ranking.candidates]}
        return cls(
            best_of=ranking.request.best_of,
            sampled=len(ranking.candidates),
            accepted=sum(record.accepted for record in ranking.candidates),
            rejected=dict(ranking.rejected),
            suspected=dict(ranking.suspected),
            failed=dict(ranking.failed),
            stopped=StoppedReport.of(ranking),
            confidence=ranking.confidence,
            chosen_by=None
            if ranking.chosen_by is None
            else ChosenByReport(**asdict(ranking.chosen_by)),
            winner=returned[0].index if returned else None,
            rewards=[record.reward for record in returned],
            returned=[
                ReturnedReport(
                    candidate=record.index,
                    reward=record.reward,
                    finish_reason=record.candidate.finish_reason,
                    **_sampled_by(record),
                )
                for record in returned
            ],
            fallback=ranking.fallback,
            rounds=ranking.rounds,
            deadline_reached=ranking.deadline_reached,
            notes=list(ranking.notes),
            timings=TimingsReport(**milliseconds),
            tokens=TokensReport(
                returned=sum(known) if len(known) == len(counts) else None,
                all_candidates=ranking.usage.completion_tokens,
                scorer=ranking.usage.reward_tokens,
            ),
            **told,
        )


class NotesReport(BaseModel):
    """Of an answer that nothing was chosen for: what was done otherwise than asked."""

    notes: list[str]


Report = BestOfNReport | NotesReport
"""What an answer tells besides."""
