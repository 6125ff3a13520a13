"""The job: a request's body as what `best_of_n` is given, or as a pass-through to the engine."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bestofn.builders.choosing import build_answer_key
from bestofn.builders.stopping import require_candidates, stopped_by
from bestofn.control.policy import Policy
from bestofn.core.errors import RequestError
from bestofn.core.pipeline import Pipeline
from bestofn.core.types import Endpoint, Request
from bestofn.settings.sections import ServerSettings
from bestofn_server.service.chosen import chosen_filters, chosen_selector, said_of
from bestofn_server.service.growing import grown_within
from bestofn_server.service.measuring import measured
from bestofn_server.service.presets import Preset
from bestofn_server.telemetry.labels import NOBODY, Served
from bestofn_server.wire.report import Detail
from bestofn_server.wire.requests import BestOfNOptions, ChatRequest, CompletionRequest

FURTHER_LIMITS = frozenset(
    {"max_completion_tokens", "max_new_tokens", "max_output_tokens", "min_tokens", "n_predict"}
)
"""What servers besides call the limit of tokens, or the least: they are passed on, and bounded."""

ONLY_ALONE = frozenset({"echo", "prompt_logprobs", "use_beam_search"})
"""Fields that belong to a whole response, or sample otherwise: taken with best_of 1 only."""


@dataclass(frozen=True, slots=True)
class Job:
    """What one request comes to.

    Args:
        model: the name in the response.
        served: the model and the profile, as metrics and traces call them.
        requests: one per prompt, in order.
        pipeline: what ranks them.
        forward: the body for the engine itself, where it answers alone; then nothing is ranked.
        endpoint: which of the two was asked.
        prompts: how many there are.
        tokens: candidate tokens that it may sample at once, in whichever of its rounds has the
            largest limit.
        stream: whether the answer is streamed.
        include_usage: whether a stream ends with the usage.
        continuous_usage: whether each of its chunks then has it.
        detail: how much is told of the candidates.
        measures: the field by which it only measures, so that one candidate answers; None: none.
    """

    model: str
    requests: tuple[Request, ...]
    pipeline: Pipeline
    forward: Mapping[str, Any] | None
    endpoint: Endpoint
    prompts: int
    tokens: int
    stream: bool
    include_usage: bool
    detail: Detail
    served: Served = NOBODY
    continuous_usage: bool = False
    measures: str | None = None

    @property
    def with_token_ids(self) -> bool:
        """Whether the client wants the ids of the tokens."""
        return bool(self.requests and self.requests[0].options.get("return_token_ids"))


def plan(
    body: ChatRequest | CompletionRequest,
    preset: Preset,
    limits: ServerSettings,
    most: int | None = None,
) -> Job:
    """The job that `body` asks for.

    Args:
        body: the request.
        preset: what its model's name stands for.
        limits: of the server.
        most: tokens that it may hold at once: a later round raises no limit beyond; None: all that
            the server lets in.

    Raises:
        RequestError: fields contradict each other, are above a limit, or are not taken here.
        ConfigError: a filter or selector in it cannot be made.
    """
    best_of = body.best_of or max(preset.best_of, body.n or 1)
    if best_of > limits.max_best_of:
        why = f"best_of is {best_of}; this server takes at most {limits.max_best_of}"
        raise RequestError(why, param="best_of")
    endpoint: Endpoint = "chat/completions" if isinstance(body, ChatRequest) else "completions"
    prompts = _prompts(body)
    limit = _token_limit(body, preset, limits)
    options = body.bestofn or BestOfNOptions()
    forwards = preset.pipeline.forwarder is not None
    measures = measured(body) if forwards and best_of > 1 else None
    if measures is not None:
        best_of = body.n or 1
    alone = forwards and body.bestofn is None and (best_of == 1 or measures is not None)
    if prompts is None and not alone:
        raise RequestError(
            "a prompt of token ids is taken with best_of 1 only: send text", param="prompt"
        )
    counted = body.prompt_count if isinstance(body, CompletionRequest) else 1
    if counted * best_of > limits.max_candidates:
        raise RequestError(
            f"{counted:,} prompts of best_of {best_of:,} are {counted * best_of:,} candidates; "
            f"this server takes at most {limits.max_candidates:,} in one request",
            param="best_of",
        )
    first = limits.assumed_max_tokens if limit is None else max(1, limit)
    room = (most or limits.max_tokens_in_flight) // (counted * best_of)
    pipeline, highest = grown_within(
        _pipeline(preset, options, best_of), first, (limits.max_tokens, preset.context, room)
    )
    return Job(
        model=preset.name,
        served=preset.served,
        requests=()
        if alone or prompts is None
        else tuple(_request(body, preset, best_of, limit, prompt) for prompt in prompts),
        pipeline=pipeline,
        forward=_forwarded(body, preset, limit) if alone else None,
        endpoint=endpoint,
        prompts=counted,
        tokens=counted * best_of * (first if alone else highest),
        stream=bool(body.stream),
        include_usage=bool(body.stream_options and body.stream_options.include_usage),
        continuous_usage=bool(body.stream_options and body.stream_options.continuous_usage_stats),
        detail=options.return_candidates,
        measures=measures,
    )


def _token_limit(
    body: ChatRequest | CompletionRequest, preset: Preset, limits: ServerSettings
) -> int | None:
    """Tokens of a candidate, at most; None: as many as the engine takes.

    Raises:
        RequestError: more are asked for than the server or the model's context allows.
    """
    for name in FURTHER_LIMITS & body.further.keys():
        further = body.further[name]
        if isinstance(further, int | float) and further > limits.max_tokens:
            why = f"{name} is {further:,}; this server takes at most {limits.max_tokens:,}"
            raise RequestError(why, param=name)
    asked = body.token_limit
    if asked is None:
        return preset.max_tokens
    if asked > limits.max_tokens:
        raise RequestError(
            f"max_tokens is {asked:,}; this server takes at most {limits.max_tokens:,}",
            param=body.token_limit_name,
        )
    if preset.context is not None and asked > preset.context:
        raise RequestError(
            f"max_tokens is {asked:,}; the model's context has {preset.context:,} tokens",
            param=body.token_limit_name,
        )
    return asked


def _prompts(body: ChatRequest | CompletionRequest) -> Sequence[Sequence[Mapping[str, Any]]] | None:
    """The messages of each prompt; None where it is token ids."""
    if isinstance(body, ChatRequest):
        return [body.messages]
    texts = body.texts
    return None if texts is None else [[{"role": "user", "content": text}] for text in texts]


def _request(
    body: ChatRequest | CompletionRequest,
    preset: Preset,
    best_of: int,
    limit: int | None,
    messages: Sequence[Mapping[str, Any]],
) -> Request:
    options = body.further
    if refused := sorted(name for name in ONLY_ALONE & options.keys() if options[name]):
        raise RequestError(f"{', '.join(refused)}: taken with best_of 1 only", param=refused[0])
    if "request_id" in options:
        raise RequestError("request_id: send it as the header X-Request-Id", param="request_id")
    if preset.model is not None:
        options["model"] = preset.model
    temperature = preset.temperature if body.temperature is None else body.temperature
    sources = preset.pipeline.sources
    if temperature == 0 and (body.n or 1) > sources:
        if sources == 1:
            raise RequestError(
                "temperature 0 makes all candidates equal, so n has to be 1", param="n"
            )
        raise RequestError(
            "temperature 0 makes all candidates of a model equal, so n has to be "
            f"{sources} at most",
            param="n",
        )
    return Request(
        messages=tuple(messages),
        best_of=best_of,
        n=body.n or 1,
        temperature=temperature,
        max_tokens=limit,
        seed=preset.seed if body.seed is None else body.seed,
        options=options,
        raw=isinstance(body, CompletionRequest),
        reference=None if body.bestofn is None else body.bestofn.reference,
    )


def _forwarded(
    body: ChatRequest | CompletionRequest, preset: Preset, limit: int | None
) -> Mapping[str, Any]:
    """The body as the client sent it, with the preset's settings where it says nothing."""
    sent = body.model_dump(exclude_unset=True, exclude={"best_of", "bestofn", "model"})
    if preset.model is not None:
        sent["model"] = preset.model
    defaults = {"temperature": preset.temperature, "seed": preset.seed}
    if body.token_limit is None:
        defaults["max_tokens"] = limit
    for name, value in defaults.items():
        if value is not None and sent.get(name) is None:
            sent[name] = value
    return sent


def _pipeline(preset: Preset, options: BestOfNOptions, best_of: int) -> Pipeline:
    pipeline = preset.pipeline
    changes: dict[str, Any] = {}
    if options.filters is not None:
        with said_of("bestofn.filters"):
            changes["filters"] = chosen_filters(options.filters, preset)
    if options.selector is not None or options.answer_key is not None:
        changes["selector"] = chosen_selector(options, preset)
    policy: dict[str, Any] = {}
    if options.on_exhausted is not None:
        policy["on_exhausted"] = options.on_exhausted
    if options.max_rounds is not None:
        policy["max_rounds"] = options.max_rounds
    if options.grow is not None:
        policy["grow"] = options.grow
    if options.deadline_ms is not None:
        policy["deadline_seconds"] = options.deadline_ms / 1000
    if policy:
        if not isinstance(pipeline.policy, Policy):
            name = next(iter(policy)).replace("deadline_seconds", "deadline_ms")
            raise RequestError(
                f"bestofn.{name}: this server's policy is not to be changed",
                param=f"bestofn.{name}",
            )
        changes["policy"] = dataclasses.replace(pipeline.policy, **policy)
    if changes:
        pipeline = dataclasses.replace(pipeline, **changes)
    stop = options.stop or preset.stop
    if options.stop is not None:
        with said_of("bestofn.stop"):
            require_candidates(options.stop, best_of)
    if options.stop is not None or (options.answer_key is not None and stop.rule != "none"):
        key = build_answer_key(options.answer_key or preset.answer_key)
        with said_of("bestofn.stop" if options.stop is not None else "bestofn.answer_key"):
            pipeline = stopped_by(stop, key, pipeline)
    return pipeline if options.stop is not None else _with_floor_within(best_of, pipeline)


def _with_floor_within(best_of: int, pipeline: Pipeline) -> Pipeline:
    """The pipeline, whose floor of stopping was set for more candidates than a client asks for:
    then it is all of them."""
    policy = pipeline.policy
    if not isinstance(policy, Policy) or policy.least <= best_of:
        return pipeline
    return dataclasses.replace(pipeline, policy=dataclasses.replace(policy, least=best_of))
