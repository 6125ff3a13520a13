"""GET /health, /ready, /ping, /load, /version and /metrics: what orchestrators ask."""

from __future__ import annotations

import prometheus_client
from fastapi import APIRouter, Request
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from pydantic import BaseModel, Field
from starlette.responses import Response

from bestofn import __version__
from bestofn_server.errors import NotReadyError
from bestofn_server.routes.documented import errors
from bestofn_server.routes.route import service_of


class Status(BaseModel):
    """It is well."""

    status: str = "ok"


class Load(BaseModel):
    """How much runs, as vLLM says it."""

    server_load: int = Field(description="requests that run now")


class Version(BaseModel):
    """Of bestofn."""

    version: str = __version__


def router(*, metrics: bool) -> APIRouter:
    """The paths; they are not in the log. Probes need no key.

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

    for method in ("GET", "POST"):  # SageMaker's probe; some balancers post it
        routes.add_api_route("/ping", health, methods=[method], responses=errors(503))

    @routes.get("/load")
    async def load(request: Request) -> Load:
        """How many requests run now."""
        return Load(server_load=service_of(request).admission.requests)

    @routes.get("/version", responses=errors(401))
    async def version() -> Version:
        """The version of bestofn."""
        return Version()

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
