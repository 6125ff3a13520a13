"""POST /v1/candidates: a chat request whose candidates come one by one, as events."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from bestofn.core.errors import RequestError
from bestofn.support.concurrency import cancel_and_wait
from bestofn_server.http.auth import key_of
from bestofn_server.http.disconnect import unless_gone
from bestofn_server.http.event_stream import EventStream
from bestofn_server.routes.documented import COMPLETIONS, events_of
from bestofn_server.routes.route import ServiceRoute, service_of
from bestofn_server.service.watching import Watching
from bestofn_server.surfaces.chat import CompletionSurface
from bestofn_server.telemetry.labels import answered_by
from bestofn_server.wire.candidate_events import CandidateEvent, SnapshotEvent, StartedEvent
from bestofn_server.wire.headers import DOCUMENTED as HEADERS
from bestofn_server.wire.headers import asked_by
from bestofn_server.wire.requests import BestOfNOptions, ChatRequest
from bestofn_server.wire.responses import Answer, Completion

EARLY = 0.05
"""Seconds within which a request is refused that the generator cannot take."""

_EVENTS = StartedEvent | SnapshotEvent | CandidateEvent | Completion
_SUCCESS: dict[int | str, dict[str, Any]] = {
    200: {
        "model": _EVENTS,
        "content": events_of("StartedEvent", "SnapshotEvent", "CandidateEvent", "Completion"),
    }
}


def router() -> APIRouter:
    """The one path."""
    routes = APIRouter(route_class=ServiceRoute, tags=["completions"])

    @routes.post("/v1/candidates", responses={**_SUCCESS, **COMPLETIONS}, openapi_extra=HEADERS)
    async def create_candidates(body: ChatRequest, request: Request) -> Response:
        """Sample best_of answers to a conversation, and tell each the moment it is judged."""
        return await _candidates(body, request)

    return routes


async def _candidates(body: ChatRequest, request: Request) -> Response:
    """A chat request that is always ranked, never passed through, and reports everything."""
    service = service_of(request)
    asked = asked_by(request.scope["headers"])
    options = body.bestofn or BestOfNOptions()
    told = {"bestofn": options.model_copy(update={"return_candidates": "full"})}
    async with contextlib.AsyncExitStack() as stack:
        await stack.enter_async_context(service.clock.limited())
        key = key_of(request.scope)
        job = await service.plan(asked.on(body.model_copy(update=told)), asked.profile, key)
        answered_by(request.scope, job.served)
        stack.enter_context(service.admitted(job.tokens, key))
        watching = Watching(scored=job.pipeline.reward_model is not None)
        ranking = asyncio.ensure_future(service.rank(job, request.headers, watching))
        ranking.add_done_callback(lambda _: watching.close())
        stack.push_async_callback(cancel_and_wait, ranking)
        # An error before anything was sampled has a status of its own.
        events = watching.events()
        stack.push_async_callback(events.aclose)
        first = await unless_gone(request, anext(events, None))
        await asyncio.wait([ranking], timeout=EARLY)
        if first is None or (ranking.done() and isinstance(ranking.exception(), RequestError)):
            ranking.result()

        async def chunks() -> AsyncGenerator[dict[str, Any]]:
            if first is not None:
                yield first.model_dump(exclude_unset=False)
            async for event in events:
                yield event.model_dump()
            answer = Answer(await ranking, job.model, job.detail, with_token_ids=job.with_token_ids)
            yield answer.body()

        keep_alive = service.settings.server.keep_alive_seconds
        telling = CompletionSurface(body).telling()
        return EventStream(chunks(), telling, stack.pop_all(), keep_alive=keep_alive)
