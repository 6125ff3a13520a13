"""The FastAPI app: routes, middleware, and the service's life."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import AsyncIterator

from fastapi import FastAPI
from opentelemetry import trace
from opentelemetry._logs import LoggerProvider
from prometheus_client import CollectorRegistry
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import Response

from bestofn import __version__
from bestofn.builders.pipeline import open_pipeline
from bestofn.builders.reward_plan import RewardPlan
from bestofn.core.errors import BestOfNError
from bestofn.core.pipeline import Pipeline
from bestofn.settings.choices import Access
from bestofn.settings.settings import Settings
from bestofn_server.admission import Admission
from bestofn_server.http.auth import ApiKeys, RequireKey
from bestofn_server.http.bodies import Bodies
from bestofn_server.http.docs import documented_app
from bestofn_server.http.methods import HeadAndOptions
from bestofn_server.http.openapi import page
from bestofn_server.playground.pages import add_playground
from bestofn_server.routes import (
    models,
    operation,
    rerank,
    rewards,
    tokens,
    trainers,
    unrouted,
)
from bestofn_server.routes.answers import answer_routers
from bestofn_server.service.clock import RequestClock
from bestofn_server.service.measuring import NOTHING_TO_CHOOSE
from bestofn_server.service.presets import Presets
from bestofn_server.service.readiness import Readiness
from bestofn_server.service.service import Service
from bestofn_server.surfaces.envelope import response_at
from bestofn_server.telemetry.metrics import Metrics
from bestofn_server.wire.responses import HEADERS

logger = logging.getLogger(__name__)

DESCRIPTION = (
    "OpenAI's API, answered by the best of N: best_of candidates are sampled, the repetitive and "
    "the truncated are rejected, a reward model ranks the rest, and the n best are returned."
)


def create_app(
    settings: Settings | None = None,
    pipeline: Pipeline | None = None,
    *,
    keys: ApiKeys | None = None,
    tracer_provider: trace.TracerProvider | None = None,
    logger_provider: LoggerProvider | None = None,
) -> FastAPI:
    """The service as an ASGI app; its `state.bestofn` is the `Service` once it has started.

    Args:
        settings: without: from the environment.
        pipeline: what ranks; without: opened from the settings when the app starts, and closed
            when it ends.
        keys: who is let in; without: from the settings.
        tracer_provider: where spans go; without: OpenTelemetry's global one.
        logger_provider: where events go besides; without: they are in the spans alone.

    Raises:
        ConfigError: a setting is wrong. What concerns the models is raised when the app starts.
    """
    settings = settings or Settings.load()
    keys = keys or ApiKeys(settings.server.api_keys, settings.server.api_key_file)

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with contextlib.AsyncExitStack() as stack:
            opened = pipeline
            if opened is None:
                opened = await stack.enter_async_context(open_pipeline(settings))
            app.state.bestofn = await open_service(
                settings, opened, CollectorRegistry(), tracer_provider, logger_provider
            )
            yield

    app = documented_app(
        settings.server.docs,
        title="bestofn",
        version=__version__,
        description=DESCRIPTION,
        lifespan=lifespan,
    )
    for router in (
        *(each.router() for each in (models, rewards, rerank, trainers, tokens)),
        *answer_routers(),
        rerank.other_names(),
        operation.router(metrics=settings.server.metrics != "off"),
    ):
        app.router.routes += router.routes  # include_router would make each of them again
    add_playground(app, settings)
    app.add_exception_handler(HTTPException, _told)
    app.add_exception_handler(BestOfNError, _told)
    access: dict[str, Access] = {
        "docs": settings.server.docs,
        "metrics": settings.server.metrics,
        "playground": settings.server.playground,
    }
    app.add_middleware(HeadAndOptions, routes=lambda: app.routes)
    app.add_middleware(
        RequireKey, keys=keys, access=access, refused=lambda scope: unrouted.note(scope, 401)
    )
    if settings.server.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.server.cors_origins,
            allow_methods=["*"],
            allow_headers=["*"],
            expose_headers=[
                "x-request-id",
                "retry-after",
                *(each.lower() for each in (*HEADERS, NOTHING_TO_CHOOSE)),
            ],
        )
    app.openapi = lambda: page(app, guarded=keys.guarded, access=access)  # type: ignore[method-assign]
    return app


async def open_service(
    settings: Settings,
    pipeline: Pipeline,
    registry: CollectorRegistry,
    tracer_provider: trace.TracerProvider | None = None,
    logger_provider: LoggerProvider | None = None,
) -> Service:
    """What the routes share, over a pipeline that is there.

    Raises:
        ConfigError: a profile is wrong.
        GeneratorError: the engine does not say what it serves.
    """
    limits = settings.server
    admission = Admission(limits.max_tokens_in_flight, limits.key_limits, limits.keys)
    plan = RewardPlan.of(settings)
    allowed = limits.client_code
    if plan.runs_code:
        logger.log(
            logging.WARNING if allowed else logging.INFO,
            "the code verifier %s clients send (server: client_code: %s)",
            "runs programs and tests that" if allowed else "refuses the programs and tests that",
            str(allowed).lower(),
        )
    return Service(
        settings=settings,
        pipeline=pipeline,
        reward_name=plan.name,
        refuses_code=plan.runs_code and not allowed,
        presets=await Presets.load(settings, pipeline),
        admission=admission,
        clock=RequestClock(limits.request_timeout_seconds),
        bodies=Bodies(limits.max_body_bytes, limits.max_bodies_bytes),
        metrics=Metrics(registry, admission),
        readiness=Readiness(
            pipeline,
            remote=settings.upstream is not None or settings.engine == "none",
            lasts=limits.probe_seconds,
            busy=lambda: admission.requests > 0,
        ),
        tracer=trace.get_tracer("bestofn_server", __version__, tracer_provider),
        events=None
        if logger_provider is None
        else logger_provider.get_logger("bestofn_server", __version__),
    )


async def _told(request: Request, error: Exception) -> Response:
    answer = response_at(request.url.path, error)
    unrouted.note(request.scope, answer.status_code)
    return answer
