"""GET /health, /ready and /metrics: what orchestrators ask."""

from __future__ import annotations

import prometheus_client
from fastapi import APIRouter, Request
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from pydantic import BaseModel
from starlette.responses import Response

from bestofn_server.errors import NotReadyError
from bestofn_server.routes.documented import errors
from bestofn_server.routes.route import service_of


class Status(BaseModel):
    """It is well."""

    status: str = "ok"


def router(*, metrics: bool) -> APIRouter:
    """The three paths; they are not in the log. Probes need no key.

    Args:
        metrics: whether there is the path of that name.
    """
    routes = APIRouter(tags=["operation"])

    @routes.get("/health", responses=errors(503))
    async def health(request: Request) -> Status:
        """Whether the process is alive, and the engine in it."""
        if service_of(request).pipeline.engine_is_dead:
            raise NotReadyError("the engine has died, and this process ends")
        return Status()

    @routes.get("/ready", responses=errors(503))
    async def ready(request: Request) -> Status:
        """Whether engine and reward model answered a probe, and the server is not stopping."""
        service = service_of(request)
        if service.admission.closed:
            raise NotReadyError("the server is stopping")
        if (fault := await service.readiness.fault()) is not None:
            raise NotReadyError(fault)
        return Status()

    if metrics:
        routes.add_api_route(
            "/metrics",
            _metrics,
            name="metrics",
            response_class=Response,
            responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
        )
    return routes


async def _metrics(request: Request) -> Response:
    """Prometheus' text format; with vLLM in this process, its metrics too."""
    pages = [generate_latest(service_of(request).metrics.registry)]
    if service_of(request).metrics.registry is not prometheus_client.REGISTRY:
        pages.append(generate_latest(prometheus_client.REGISTRY))
    return Response(b"".join(pages), media_type=CONTENT_TYPE_LATEST)
