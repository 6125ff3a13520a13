"""Response bodies: rankings as OpenAI's completion objects, whole or in chunks."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict

from bestofn.core.finish_reason import ended_by_itself, known_as
from bestofn.core.ranking import Ranking, ScoredCandidate
from bestofn.core.token_details import details_of, summed
from bestofn.core.types import Endpoint, Request
from bestofn_server.wire.report import BestOfNReport, Detail, NotesReport

LEGAL = frozenset({"stop", "length", "tool_calls", "content_filter", "function_call"})
"""Finish reasons that OpenAI's API knows. Of any other, one that says that the text was cut (abort,
repetition, error) is told as "length", and an end that nobody vouches for as "stop"."""


CONFIDENCE_HEADER = "X-Bestofn-Confidence"
"""Of a response: the confidence in the winner, 0 to 1."""

SAMPLED_HEADER = "X-Bestofn-Sampled"
"""Of a response: how many candidates were sampled, for all prompts."""

WINNER_HEADER = "X-Bestofn-Winner"
"""Of a response: the index of the winner among them; of several prompts one each."""

FALLBACK_HEADER = "X-Bestofn-Fallback"
"""Of a response: what was returned instead, since nothing was acceptable."""

HEADERS = (SAMPLED_HEADER, WINNER_HEADER, CONFIDENCE_HEADER, FALLBACK_HEADER)


class CompletionUsage(BaseModel):
    """Tokens; the completion's are those of all candidates, as OpenAI counts for best_of. Null
    where the upstream did not count."""

    model_config = ConfigDict(extra="allow")
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    total_tokens: int | None = None


class Completion(BaseModel):
    """OpenAI's completion object, of a chat or of a text, with bestofn's report."""

    model_config = ConfigDict(extra="allow")
    id: str
    object: str
    created: int
    model: str
    choices: list[dict[str, Any]]
    usage: CompletionUsage | None = None
    bestofn: BestOfNReport | list[BestOfNReport] | NotesReport | None = None


class Answer:
    """Rankings (one per prompt, in their order) as the answer to one request.

    Args:
        rankings: at least one.
        model: the name that was asked for.
        detail: how much is told of the candidates.
        with_token_ids: whether the choices carry the ids of their tokens.
    """

    def __init__(
        self, rankings: Sequence[Ranking], model: str, detail: Detail, *, with_token_ids: bool
    ) -> None:
        request = rankings[0].request
        self._rankings = rankings
        self._endpoint: Endpoint = request.endpoint
        self._detail: Detail = detail
        self._with_token_ids = with_token_ids
        self._object = "text_completion" if request.raw else "chat.completion"
        self._head = {
            "id": response_id(request),
            "created": int(time.time()),
            "model": model,
        }

    @property
    def headers(self) -> dict[str, str]:
        """What was done, for who reads no body. The confidence is the least of the prompts', where
        every prompt has one; a stream has said its headers before any of it is known, and tells it
        in the report alone."""
        said = {SAMPLED_HEADER: str(sum(len(each.candidates) for each in self._rankings))}
        winners = [_best(each) for each in self._rankings]
        if all(winners):
            said[WINNER_HEADER] = ",".join(str(best[0].index) for best in winners)
        known = [each.confidence for each in self._rankings if each.confidence is not None]
        if len(known) == len(self._rankings):
            said[CONFIDENCE_HEADER] = f"{min(known):.4f}"
        if used := sorted({each.fallback for each in self._rankings if each.fallback is not None}):
            said[FALLBACK_HEADER] = ",".join(used)
        return said

    def body(self) -> dict[str, Any]:
        """The whole of it at once."""
        choices = [
            {**self._choice(index, record), **self._said(record)}
            for index, record in self._returned()
        ]
        return {
            **self._head,
            "object": self._object,
            "choices": choices,
            "usage": self.usage(),
            "bestofn": self._report(),
        }

    def chunks(
        self, *, include_usage: bool, continuous_usage: bool = False
    ) -> Iterator[dict[str, Any]]:
        """The same as a stream has it; the last chunk of a choice has its finish_reason, and the
        last of all carries the report.

        Args:
            include_usage: whether a chunk without choices ends it that has the usage.
            continuous_usage: whether the others then have it too.
        """
        returned = list(self._returned())
        usage: dict[str, Any] = {}
        if include_usage:
            usage = {"usage": self.usage() if continuous_usage else None}
        for number, (index, record) in enumerate(returned):
            choice = self._choice(index, record)
            finish_reason = choice.pop("finish_reason")
            bare = {"index": index, "logprobs": None}
            parts = list(self._parts(record))
            spoken = min(1, len(parts) - 1)  # after the role come the words, with their logprobs
            for at, part in enumerate(parts):
                opening = choice if at == spoken else bare
                yield self._chunk([{**opening, **part, "finish_reason": None}], usage)
            end: dict[str, Any] = {"text": ""} if self._is_text else {"delta": {}}
            last = [{**bare, **end, "finish_reason": finish_reason}]
            is_last = number == len(returned) - 1
            report = {"bestofn": self._report()} if is_last else {}
            yield self._chunk(last, {**usage, **report})
        if include_usage:
            yield self._chunk([], {"usage": self.usage()})

    @property
    def _is_text(self) -> bool:
        return self._endpoint == "completions"

    def _returned(self) -> Iterator[tuple[int, ScoredCandidate]]:
        """The choices with their indices: those of prompt i begin at i * n, as clients count them,
        and where fewer than n are acceptable the rest of its indices are left out."""
        for at, ranking in enumerate(self._rankings):
            yield from enumerate(_best(ranking), start=at * ranking.request.n)

    def _chunk(self, choices: list[dict[str, Any]], further: Mapping[str, Any]) -> dict[str, Any]:
        name = self._object if self._is_text else f"{self._object}.chunk"
        return {**self._head, "object": name, "choices": choices, **further}

    def _choice(self, index: int, record: ScoredCandidate) -> dict[str, Any]:
        """Everything of a choice but what it says."""
        candidate = record.candidate
        choice: dict[str, Any] = {
            "index": index,
            "logprobs": candidate.logprobs,
            "finish_reason": legal(candidate.finish_reason),
            **candidate.extra,
        }
        if self._with_token_ids:
            choice["token_ids"] = candidate.token_ids
        return choice

    def _said(self, record: ScoredCandidate) -> dict[str, Any]:
        if self._is_text:
            return {"text": record.text}
        return {"message": dict(record.candidate.message)}

    def _parts(self, record: ScoredCandidate) -> Iterator[dict[str, Any]]:
        """What a choice says, in the parts in which a stream says it."""
        if self._is_text:
            yield {"text": record.text}
            return
        message = dict(record.candidate.message)
        role = message.pop("role", "assistant")
        content = message.pop("content", None)
        calls = message.pop("tool_calls", None)
        opening = {"role": role, "content": ""}
        yield {"delta": opening | {k: v for k, v in message.items() if v is not None}}
        if content:
            yield {"delta": {"content": content}}
        if calls:
            numbered = [{**call, "index": at} for at, call in enumerate(calls)]
            yield {"delta": {"tool_calls": numbered}}

    def usage(self) -> dict[str, Any]:
        """OpenAI's usage object: the tokens of all candidates."""
        prompt = _sum([ranking.usage.prompt_tokens for ranking in self._rankings])
        sampled = _sum([ranking.usage.completion_tokens for ranking in self._rankings])
        told = [
            details_of(record.candidate for record in ranking.candidates)
            for ranking in self._rankings
        ]
        details = {
            "prompt_tokens_details": summed([each.prompt for each in told]),
            "completion_tokens_details": summed([each.completion for each in told]),
        }
        return {
            "prompt_tokens": prompt,
            "completion_tokens": sampled,
            "total_tokens": _sum([prompt, sampled]),
            **{name: dict(parts) for name, parts in details.items() if parts},
        }

    def _report(self) -> dict[str, Any] | list[dict[str, Any]]:
        reports = [
            BestOfNReport.of(ranking, list(_best(ranking)), self._detail).model_dump(
                exclude_unset=True
            )
            for ranking in self._rankings
        ]
        return reports[0] if len(reports) == 1 else reports


def response_id(request: Request) -> str:
    """The id of the answer to a request."""
    return f"{'cmpl' if request.raw else 'chatcmpl'}-{request.id}"


def legal(finish_reason: str | None) -> str | None:
    """The finish reason as OpenAI's API has it; None (unfinished) stays."""
    if finish_reason is None:
        return None
    known = known_as(finish_reason)
    if known in LEGAL:
        return known
    return "stop" if ended_by_itself(known) else "length"


def with_legal_reasons(answer: dict[str, Any]) -> dict[str, Any]:
    """An engine's own answer or chunk, whose finish reasons are OpenAI's (changed in place)."""
    for choice in answer.get("choices") or ():
        if "finish_reason" in choice:
            choice["finish_reason"] = legal(choice["finish_reason"])
    return answer


def _sum(counts: Sequence[int | None]) -> int | None:
    """The sum; None where one is not known."""
    known = [count for count in counts if count is not None]
    return sum(known) if len(known) == len(counts) else None


def _best(ranking: Ranking) -> Sequence[ScoredCandidate]:
    """What is returned: the n best; where nothing is ranked the first n accepted, or suspected."""
    if ranking.best:
        return ranking.best
    accepted = [c for c in ranking.candidates if c.accepted]
    suspected = [c for c in ranking.candidates if c.suspected]
    return (accepted or suspected)[: ranking.request.n]
