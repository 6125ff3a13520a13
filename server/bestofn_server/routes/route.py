"""What every route has around it: the body, request id, error envelope, log line, metrics."""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Callable, Coroutine
from typing import Any

from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from bestofn.core.errors import BestOfNError
from bestofn.support.one_request import one_request
from bestofn.support.waiting import somebody_waits
from bestofn_server.errors import NotReadyError, error_response
from bestofn_server.http.auth import key_of
from bestofn_server.http.disconnect import NOBODY, ClientGoneError
from bestofn_server.http.patience import patience_of
from bestofn_server.service.service import Service
from bestofn_server.telemetry.labels import served_in
from bestofn_server.telemetry.logs import request_id

logger = logging.getLogger(__name__)

Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class ServiceRoute(APIRoute):
    """A route of this service; it works the same in an app of its own and in vLLM's.

    Attributes:
        tell: makes the answer that tells an error, in the envelope of the route's API.
        identity_headers: of an answer, that hold the id of its request.
    """

    tell: Callable[[Exception], Response] = staticmethod(error_response)
    identity_headers: tuple[str, ...] = ("x-request-id",)

    def get_route_handler(self) -> Handler:
        """The handler, whose errors are in the envelope of its API."""
        handler = super().get_route_handler()

        async def answer(request: Request) -> Response:
            try:
                read = await service_of(request).bodies.read(request)
                with somebody_waits(patience_of(request)), one_request(object()):
                    return await handler(read)
            except (BestOfNError, RequestValidationError, HTTPException, TimeoutError) as error:
                return self.tell(error)
            except (ClientGoneError, ClientDisconnect):
                return NOBODY
            except Exception as error:  # the process goes on; the log has the trace
                logger.exception("%s failed", self.path)
                return self.tell(error)

        return answer

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, and say in the log and the metrics how it went."""
        service = service_of(Request(scope))
        named = Headers(scope=scope).get("x-request-id", "")
        identity = named if named.isprintable() and 0 < len(named) <= 128 else uuid.uuid4().hex
        token = request_id.set(identity)
        started = time.perf_counter()
        status = 499

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                for header in self.identity_headers:
                    MutableHeaders(scope=message)[header] = identity
            await send(message)

        try:
            await super().handle(scope, receive, sending)
        except HTTPException as error:  # a wrong method, which no handler sees
            await self.tell(error)(scope, receive, sending)
        finally:
            seconds = time.perf_counter() - started
            served = service.metrics.bounded(served_in(scope))
            service.metrics.requests.labels(self.path, str(status), *served).inc()
            service.metrics.seconds.labels(self.path, *served).observe(seconds)
            service.metrics.key_requests.labels(key_of(scope), str(status)).inc()
            fields = {"method": scope["method"], "path": self.path, "status": status}
            fields |= {"seconds": round(seconds, 4), "key": key_of(scope)}
            logger.info("request", extra=fields)
            request_id.reset(token)


def service_of(request: Request) -> Service:
    """The service behind the app.

    Raises:
        NotReadyError: it is not there yet.
    """
    service = getattr(request.app.state, "bestofn", None)
    if not isinstance(service, Service):
        raise NotReadyError("the models are being loaded")
    return service
