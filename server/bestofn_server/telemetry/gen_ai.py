"""Attributes and events of OpenTelemetry's conventions for generative AI.

A request is a span ``chat {model}`` (``text_completion {model}``); each candidate of it is an event
``gen_ai.evaluation.result``: its reward, or why it was rejected. No text of a prompt or an answer
is in either. Names: OpenTelemetry's semantic conventions, "Semantic conventions for generative AI
spans" and "events".
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from opentelemetry import propagate
from opentelemetry._logs import Logger
from opentelemetry.trace import Span, StatusCode, Tracer, use_span

from bestofn.core.ranking import Ranking
from bestofn.core.types import Endpoint, Request
from bestofn_server.telemetry.labels import Served
from bestofn_server.wire.responses import legal, response_id

EVALUATION = "gen_ai.evaluation.result"

_REQUESTED: Mapping[str, str] = {
    "temperature": "gen_ai.request.temperature",
    "top_p": "gen_ai.request.top_p",
    "top_k": "gen_ai.request.top_k",
    "frequency_penalty": "gen_ai.request.frequency_penalty",
    "presence_penalty": "gen_ai.request.presence_penalty",
    "max_tokens": "gen_ai.request.max_tokens",
    "max_completion_tokens": "gen_ai.request.max_tokens",
    "seed": "gen_ai.request.seed",
}

Value = str | int | float | Sequence[str]


@dataclass(frozen=True, slots=True)
class Operation:
    """What is asked of a model.

    Args:
        endpoint: which of the two.
        served: what answers.
        provider: who samples.
        request: the first of those that are ranked; None: it is passed through.
        forward: the body that is passed through; None: it is ranked.
    """

    endpoint: Endpoint
    served: Served
    provider: str
    request: Request | None
    forward: Mapping[str, Any] | None

    @property
    def name(self) -> str:
        """The conventions' `gen_ai.operation.name`."""
        return "chat" if self.endpoint == "chat/completions" else "text_completion"

    @property
    def attributes(self) -> dict[str, Value]:
        """What is known before it is answered."""
        found: dict[str, Value] = {
            "gen_ai.operation.name": self.name,
            "gen_ai.provider.name": self.provider,
            "gen_ai.request.model": self.served.model,
        }
        if self.served.profile:
            found["bestofn.profile"] = self.served.profile
        said = dict(self.forward or {})
        if (request := self.request) is not None:
            said = {**request.options, "n": request.n, "temperature": request.temperature}
            said |= {"max_tokens": request.max_tokens, "seed": request.seed}
            found["bestofn.best_of"] = request.best_of
        if said.get("n") not in (None, 1):
            found["gen_ai.request.choice.count"] = said["n"]
        for name, attribute in _REQUESTED.items():
            value = said.get(name)
            if isinstance(value, int | float):
                found[attribute] = value
        return found


@contextlib.contextmanager
def request_span(tracer: Tracer, asked: Operation, headers: Mapping[str, str]) -> Iterator[Span]:
    """The span of a request, below the one that its headers name; it is current meanwhile."""
    span = open_span(tracer, asked, headers)
    try:
        with use_span(span, record_exception=False, set_status_on_exception=False):
            yield span
    except Exception as error:
        failed(span, error)
        raise
    finally:
        span.end()


def open_span(tracer: Tracer, asked: Operation, headers: Mapping[str, str]) -> Span:
    """The same, to be ended by the caller."""
    name = f"{asked.name} {asked.served.model}"
    return tracer.start_span(name, propagate.extract(headers), attributes=asked.attributes)


async def traced(
    chunks: AsyncGenerator[dict[str, Any]], span: Span
) -> AsyncGenerator[dict[str, Any]]:
    """The chunks of an answer that is passed through; the span ends with them."""
    try:
        async with contextlib.aclosing(chunks):
            async for chunk in chunks:
                forwarded(span, chunk)
                yield chunk
    except Exception as error:
        failed(span, error)
        raise
    finally:
        span.end()


def failed(span: Span, error: BaseException) -> None:
    """Tell in a span that a request failed, and by what; not in whose words."""
    span.set_attribute("error.type", type(error).__name__)
    span.set_status(StatusCode.ERROR)


def answered(span: Span, rankings: Sequence[Ranking]) -> None:
    """Tell what came of a request, in its span."""
    span.set_attribute("gen_ai.response.id", response_id(rankings[0].request))
    reasons = [legal(r.candidate.finish_reason) or "" for each in rankings for r in each.best]
    span.set_attribute("gen_ai.response.finish_reasons", reasons)
    span.set_attribute("bestofn.sampled", sum(len(each.candidates) for each in rankings))
    for name, counts in (
        ("input", [each.usage.prompt_tokens for each in rankings]),
        ("output", [each.usage.completion_tokens for each in rankings]),
    ):
        known = [count for count in counts if count is not None]
        if len(known) == len(counts):
            span.set_attribute(f"gen_ai.usage.{name}_tokens", sum(known))


def forwarded(span: Span, answer: Mapping[str, Any]) -> None:
    """The same of the engine's own answer, or of a chunk of it."""
    if isinstance(answer.get("id"), str):
        span.set_attribute("gen_ai.response.id", answer["id"])
    choices = [each for each in answer.get("choices") or () if isinstance(each, Mapping)]
    reasons = [legal(each["finish_reason"]) for each in choices if each.get("finish_reason")]
    if reasons:
        span.set_attribute("gen_ai.response.finish_reasons", [each or "" for each in reasons])
    usage = answer.get("usage")
    for name, said in (("input", "prompt_tokens"), ("output", "completion_tokens")):
        count = usage.get(said) if isinstance(usage, Mapping) else None
        if isinstance(count, int):
            span.set_attribute(f"gen_ai.usage.{name}_tokens", count)


def evaluated(span: Span, events: Logger | None, ranking: Ranking, reward_name: str | None) -> None:
    """Tell of each candidate what became of it: an event of the span and, where events are
    collected, a record of theirs."""
    if not span.is_recording() and events is None:
        return
    for attributes in evaluations(ranking, reward_name):
        span.add_event(EVALUATION, attributes)
        if events is not None:
            events.emit(event_name=EVALUATION, attributes=attributes)


def evaluations(ranking: Ranking, reward_name: str | None) -> Iterator[dict[str, Value]]:
    """The attributes of each candidate's event, in the order of sampling.

    The name is the reward model's, or that of the filter that rejected it, the label one of
    accepted, suspected, rejected, stopped and failed, and the explanation a reason of one word.
    """
    identity = response_id(ranking.request)
    for record in sorted(ranking.candidates, key=lambda each: each.index):
        found: dict[str, Value] = {
            "gen_ai.evaluation.name": reward_name or "reward",
            "gen_ai.evaluation.score.label": record.outcome,
            "gen_ai.response.id": identity,
            "bestofn.candidate.index": record.index,
        }
        if record.reward is not None:
            found["gen_ai.evaluation.score.value"] = record.reward
        if record.rank is not None:
            found["bestofn.candidate.rank"] = record.rank
        if record.rejections:
            found["gen_ai.evaluation.name"] = record.rejections[0].filter
            found["gen_ai.evaluation.explanation"] = record.rejections[0].reason
        elif record.failure is not None:
            found["gen_ai.evaluation.explanation"] = record.failure.reason
        yield found
