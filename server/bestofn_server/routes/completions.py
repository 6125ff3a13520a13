"""POST /v1/chat/completions and POST /v1/completions."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, Response

from bestofn.support.concurrency import cancel_and_wait
from bestofn_server.http.auth import key_of
from bestofn_server.http.disconnect import unless_gone
from bestofn_server.http.event_stream import EventStream
from bestofn_server.routes.documented import COMPLETIONS, EVENTS
from bestofn_server.routes.route import ServiceRoute, service_of
from bestofn_server.service.job import Job
from bestofn_server.service.service import Service
from bestofn_server.wire.requests import ChatRequest, CompletionRequest
from bestofn_server.wire.responses import Answer, Completion, with_legal_reasons

_SUCCESS: dict[int | str, dict[str, Any]] = {200: {"model": Completion, "content": EVENTS}}


def router() -> APIRouter:
    """The two paths."""
    routes = APIRouter(route_class=ServiceRoute, tags=["completions"])

    @routes.post("/v1/chat/completions", responses={**_SUCCESS, **COMPLETIONS})
    async def create_chat_completion(body: ChatRequest, request: Request) -> Response:
        """Sample best_of answers to a conversation, return the n best."""
        return await _complete(body, request)

    @routes.post("/v1/completions", responses={**_SUCCESS, **COMPLETIONS})
    async def create_completion(body: CompletionRequest, request: Request) -> Response:
        """Sample best_of continuations of a text, return the n best."""
        return await _complete(body, request)

    return routes


async def _complete(body: ChatRequest | CompletionRequest, request: Request) -> Response:
    service = service_of(request)
    async with contextlib.AsyncExitStack() as stack:
        await stack.enter_async_context(service.clock.limited())
        job = await service.plan(body)
        stack.enter_context(service.admitted(job.tokens, key_of(request.scope)))
        if job.stream:
            opening = _forwarded_chunks if job.forward is not None else _ranked_chunks
            chunks = await opening(job, request, service, stack)
            keep_alive = service.settings.server.keep_alive_seconds
            return EventStream(chunks, stack.pop_all(), keep_alive=keep_alive)
        if job.forward is not None:
            forwarded = await unless_gone(request, service.answer(job))
            return JSONResponse(with_legal_reasons({**forwarded, "model": job.model}))
        rankings = await unless_gone(request, service.rank(job, request.headers))
        answer = Answer(rankings, job.model, job.detail, with_token_ids=job.with_token_ids)
        return JSONResponse(answer.body(), headers=answer.headers)


async def _ranked_chunks(
    job: Job, request: Request, service: Service, stack: contextlib.AsyncExitStack
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
        for chunk in answer.chunks(include_usage=job.include_usage):
            yield chunk

    await unless_gone(request, early())
    return chunks()


async def _forwarded_chunks(
    job: Job, request: Request, service: Service, stack: contextlib.AsyncExitStack
) -> AsyncGenerator[dict[str, Any]]:
    """The engine's own chunks, as they come."""
    given = await unless_gone(request, service.stream(job))
    stack.push_async_callback(given.aclose)

    async def chunks() -> AsyncGenerator[dict[str, Any]]:
        async for chunk in given:
            yield with_legal_reasons({**chunk, "model": job.model})

    return chunks()
