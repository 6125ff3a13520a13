"""The HTTP client of OpenAI-compatible APIs: concurrency limit, retries with back-off, SSE streams.

Example:
    async with open_http("http://localhost:8000") as http:
        body = await ApiClient(http).post("chat/completions", {"model": ..., "messages": ...})
"""

from __future__ import annotations

import asyncio
import contextlib
import email.utils
import json
import math
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from datetime import UTC, datetime
from typing import Any

import aiohttp
import httpx
from httpx_aiohttp import HttpxAiohttpClient
from httpx_sse import EventSource, SSEError
from tenacity import (
    AsyncRetrying,
    RetryCallState,
    retry_if_exception_type,
    stop_after_attempt,
    wait_random_exponential,
)

from bestofn.core.errors import ConfigError, RequestError
from bestofn.core.no_winner import GeneratorError

TIMEOUT = httpx.Timeout(600.0, connect=10.0, pool=None)
"""Seconds without a byte (the openai client's own default), and for a connection; a slot in the
pool is waited for as long as it takes."""

RETRIED_STATUSES = frozenset({408, 409, 429, 500, 502, 503, 504})
"""Statuses after which the same request may succeed; the openai client retries on the same ones."""

REFUSED_STATUSES = frozenset({400, 404, 405, 413, 415, 422})
"""Statuses that say the request itself is wrong."""

TRANSPORT_ERRORS = (httpx.RequestError, aiohttp.ClientError)
"""What goes wrong below HTTP's statuses; httpx's aiohttp transport lets some of aiohttp's own
through."""

_BACK_OFF = wait_random_exponential(multiplier=0.5, max=8)
"""0 to 0.5 s, then to 1, to 2, ... ("full jitter": the waits of many clients spread out)."""


@contextlib.asynccontextmanager
async def open_http(
    url: str, *, root: str = "/v1", api_key: str | None = None, concurrency: int = 256
) -> AsyncIterator[httpx.AsyncClient]:
    """A connection pool whose base_url is the root of the API at `url`.

    Args:
        url: the API's root, or a server without a path, to which `root` is added.
        root: where APIs of this kind usually stand.
        api_key: sent as a bearer token.
        concurrency: connections at most.

    Raises:
        ConfigError: it is no URL of a server.
    """
    base = httpx.URL(url)
    if base.scheme not in ("http", "https") or not base.host:
        raise ConfigError(f"{url} is no URL of a server: it has to begin with http:// or https://")
    if base.path.strip("/") == "":
        base = base.copy_with(path=root)
    headers = {"authorization": f"Bearer {api_key}"} if api_key else {}
    limits = httpx.Limits(max_connections=concurrency)
    async with HttpxAiohttpClient(
        base_url=base, headers=headers, timeout=TIMEOUT, limits=limits
    ) as http:
        yield http


class ApiClient:
    """Posts JSON to a server.

    Args:
        http: its base_url is the API's root (".../v1/"); headers carry the key.
        who: what the server is called in errors.
        concurrency: requests in flight at most; the others wait.
        attempts: how often one request is sent in all, where the fault may pass.
        longest_wait: seconds; a server that asks to be left alone for longer is given up.
    """

    def __init__(
        self,
        http: httpx.AsyncClient,
        *,
        who: str = "the upstream",
        concurrency: int = 256,
        attempts: int = 4,
        longest_wait: float = 30.0,
    ) -> None:
        self._http = http
        self._who = who
        self._slots = asyncio.Semaphore(concurrency)
        self._attempts = attempts
        self._longest_wait = longest_wait

    async def post(self, path: str, body: Mapping[str, Any]) -> bytes:
        """The body of the answer to a request that is not streamed.

        Raises:
            RequestError: the server says that the request is wrong.
            GeneratorError: it cannot be reached, refuses the key, or fails to the last attempt.
        """
        response: httpx.Response = await self._retrying()(self._post, path, body)
        return response.content

    async def stream(self, path: str, body: Mapping[str, Any]) -> AsyncGenerator[dict[str, Any]]:
        """The chunks of a streamed answer; closing it hangs up.

        Raises (before the first chunk as `post`, later from the iterator):
            GeneratorError: the connection broke, the server reports a fault in the middle, or what
                it sends is no chunk.
        """
        chunks: AsyncGenerator[dict[str, Any]] = await self._retrying()(self._open, path, body)
        return chunks

    async def check_alive(self) -> None:
        """Return if the server answers at all.

        Raises:
            GeneratorError: it does not, or refuses the key.
        """
        try:
            response = await self._http.get("models")
        except TRANSPORT_ERRORS as error:
            raise self._unreachable(error) from error
        if response.status_code >= 500 or response.status_code in (401, 403):
            raise GeneratorError(self._status_text(response))

    def _retrying(self) -> AsyncRetrying:
        return AsyncRetrying(
            stop=stop_after_attempt(self._attempts),
            wait=self._wait,
            retry=retry_if_exception_type(_TransientError),
            reraise=True,
        )

    async def _post(self, path: str, body: Mapping[str, Any]) -> httpx.Response:
        try:
            async with self._slots:
                response = await self._http.post(path, json=body)
        except TRANSPORT_ERRORS as error:
            raise self._unreachable(error) from error
        self._check(response)
        return response

    async def _open(self, path: str, body: Mapping[str, Any]) -> AsyncGenerator[dict[str, Any]]:
        async with contextlib.AsyncExitStack() as stack:
            await stack.enter_async_context(self._slots)
            asked = self._http.stream("POST", path, json={**body, "stream": True})
            try:
                response = await stack.enter_async_context(asked)
                if not response.is_success:
                    await response.aread()
            except TRANSPORT_ERRORS as error:
                raise self._unreachable(error) from error
            self._check(response)
            return self._chunks(response, stack.pop_all())

    def _check(self, response: httpx.Response) -> None:
        """Raise what a status means, unless it is a success."""
        status = response.status_code
        if response.is_success:
            return
        if status in REFUSED_STATUSES:
            raise RequestError(_message(response))
        after = _retry_after(response)
        if status in RETRIED_STATUSES and after <= self._longest_wait:
            raise _TransientError(self._status_text(response), after)
        raise GeneratorError(self._status_text(response))

    async def _chunks(
        self, response: httpx.Response, stack: contextlib.AsyncExitStack
    ) -> AsyncGenerator[dict[str, Any]]:
        async with stack:
            try:
                async for event in EventSource(response).aiter_sse():
                    if event.data == "[DONE]":
                        return
                    chunk = json.loads(event.data)
                    if not isinstance(chunk, dict):
                        raise GeneratorError(
                            f"{self._who}'s stream holds something else than chunks"
                        )
                    if (fault := chunk.get("error")) is not None:
                        what = fault.get("message") if isinstance(fault, dict) else fault
                        raise GeneratorError(f"{self._who} failed in the middle: {what}")
                    yield chunk
            except (*TRANSPORT_ERRORS, SSEError, ValueError) as error:
                what = str(error) or type(error).__name__
                raise GeneratorError(f"{self._who}'s stream broke: {what}") from error
            raise GeneratorError(f"{self._who}'s stream ended without [DONE]")

    def _unreachable(self, error: Exception) -> _TransientError:
        return _TransientError(
            f"{self._who} cannot be reached: {str(error) or type(error).__name__}"
        )

    def _status_text(self, response: httpx.Response) -> str:
        return f"{self._who} answers {response.status_code}: {_message(response)}"

    @staticmethod
    def _wait(state: RetryCallState) -> float:
        fault = state.outcome.exception() if state.outcome else None
        after = fault.after if isinstance(fault, _TransientError) else 0.0
        return max(after, _BACK_OFF(state))


class _TransientError(GeneratorError):
    """A fault that may be gone at the next attempt, `after` seconds at the earliest."""

    def __init__(self, message: str, after: float = 0.0) -> None:
        super().__init__(message)
        self.after = after


def _message(response: httpx.Response) -> str:
    """The message in OpenAI's error envelope, or the start of whatever came instead."""
    try:
        body = response.json()
        error = body.get("error", body)
        message = error.get("message") if isinstance(error, dict) else error
        if message:
            return " ".join(str(message).split())
    except (ValueError, AttributeError):
        pass
    return " ".join(response.text.split())[:200] or response.reason_phrase


def _retry_after(response: httpx.Response) -> float:
    """Seconds that the server asks to wait, 0 where it asks for none (RFC 9110, 10.2.3)."""
    value = response.headers.get("retry-after", "")
    try:
        seconds = float(value)
        return seconds if math.isfinite(seconds) else 0.0
    except ValueError:
        pass
    try:
        return (email.utils.parsedate_to_datetime(value) - datetime.now(UTC)).total_seconds()
    except (ValueError, TypeError):
        return 0.0
