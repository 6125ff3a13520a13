"""The way of every request for an answer, whatever API it came by: plan, admission, answer."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from typing import Any

from fastapi import Request
from starlette.responses import JSONResponse, Response

from bestofn.support.concurrency import cancel_and_wait
from bestofn_server.http.auth import key_of
from bestofn_server.http.disconnect import unless_gone
from bestofn_server.http.event_stream import EventStream
from bestofn_server.routes.route import service_of
from bestofn_server.service.forwarded import told
from bestofn_server.service.job import Job
from bestofn_server.service.measuring import NOTHING_TO_CHOOSE
from bestofn_server.service.service import Service
from bestofn_server.surfaces.surface import Surface, Telling
from bestofn_server.telemetry.labels import answered_by
from bestofn_server.wire.headers import asked_by
from bestofn_server.wire.responses import SAMPLED_HEADER, Answer, with_legal_reasons


async def answered(surface: Surface, request: Request) -> Response:
    """The answer to a request, whole or as a stream, in the words of its surface.

    Args:
        surface: the request.
        request: as it came.
    """
    service = service_of(request)
    asked = asked_by(request.scope["headers"])
    async with contextlib.AsyncExitStack() as stack:
        await stack.enter_async_context(service.clock.limited())
        key = key_of(request.scope)
        job = await service.plan(asked.on(surface.body), asked.profile, key)
        answered_by(request.scope, job.served)
        stack.enter_context(service.admitted(job.tokens, key))
        headers = {} if job.forward is None else {SAMPLED_HEADER: str(job.prompts)}
        if job.measures is not None:
            headers[NOTHING_TO_CHOOSE] = job.measures
        if job.stream:
            telling = surface.telling()
            opening = _forwarded_chunks if job.forward is not None else _ranked_chunks
            chunks = await opening(job, telling, request, service, stack)
            keep_alive = service.settings.server.keep_alive_seconds
            return EventStream(
                chunks, telling, stack.pop_all(), keep_alive=keep_alive, headers=headers
            )
        if job.forward is not None:
            notes = told(job)
            forwarded = await unless_gone(request, service.answer(job, request.headers))
            whole = with_legal_reasons({**forwarded, "model": job.model, **notes})
            return JSONResponse(surface.answer(whole), headers=headers)
        rankings = await unless_gone(request, service.rank(job, request.headers))
        answer = Answer(rankings, job.model, job.detail, with_token_ids=job.with_token_ids)
        return JSONResponse(surface.answer(answer.body()), headers=answer.headers)


async def _ranked_chunks(
    job: Job,
    telling: Telling,
    request: Request,
    service: Service,
    stack: contextlib.AsyncExitStack,
) -> AsyncGenerator[dict[str, Any]]:
    """The winner in chunks. The status waits for the first keep-alive: an error that comes before
    it has a status of its own."""
    ranking = asyncio.ensure_future(service.rank(job, request.headers))
    stack.push_async_callback(cancel_and_wait, ranking)

    async def early() -> None:
        await asyncio.wait([ranking], timeout=service.settings.server.keep_alive_seconds)
        if ranking.done():
            ranking.result()

    async def chunks() -> AsyncGenerator[dict[str, Any]]:
        rankings = await asyncio.shield(ranking)
        answer = Answer(rankings, job.model, job.detail, with_token_ids=job.with_token_ids)
        telling.foretold({"usage": answer.usage()})
        for chunk in answer.chunks(
            include_usage=job.include_usage, continuous_usage=job.continuous_usage
        ):
            yield chunk

    await unless_gone(request, early())
    return chunks()


async def _forwarded_chunks(
    job: Job,
    telling: Telling,
    request: Request,
    service: Service,
    stack: contextlib.AsyncExitStack,
) -> AsyncGenerator[dict[str, Any]]:
    """The engine's own chunks, as they come; the first has the notes."""
    notes = told(job)
    given = await unless_gone(request, service.stream(job, request.headers))
    stack.push_async_callback(given.aclose)

    async def chunks() -> AsyncGenerator[dict[str, Any]]:
        first = notes
        async for chunk in given:
            yield with_legal_reasons({**chunk, "model": job.model, **first})
            first = {}

    return chunks()
