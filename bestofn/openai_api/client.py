"""The HTTP client of OpenAI-compatible APIs: concurrency limit, retries with back-off, a breaker
for each server, and the next server where one fails.

Example:
    async with open_http("http://localhost:8000") as http:
        body = await ApiClient(http).post("chat/completions", {"model": ..., "messages": ...})
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from collections.abc import AsyncGenerator, Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import httpx
from tenacity import (
    AsyncRetrying,
    RetryCallState,
    retry_if_exception_type,
    stop_after_attempt,
    wait_random_exponential,
)

from bestofn.core.no_winner import GeneratorError
from bestofn.openai_api.bounded_body import OversizedError
from bestofn.openai_api.breaker import RetryBudget
from bestofn.openai_api.chunks import chunks_of
from bestofn.openai_api.connection import TRANSPORT_ERRORS
from bestofn.openai_api.faults import (
    MisconfiguredError,
    TransientError,
    fault_in_success,
    fault_of,
    read_fault,
    without_keys,
)
from bestofn.openai_api.servers import Servers
from bestofn.openai_api.status import is_redirect
from bestofn.support.one_request import asking
from bestofn.support.open_files import out_of_files
from bestofn.support.plain_json import well_formed_value
from bestofn.support.waiting import left

logger = logging.getLogger(__name__)

Result = TypeVar("Result")

_BACK_OFF = wait_random_exponential(multiplier=0.5, max=8)
"""0 to 0.5 s, then to 1, to 2, ... ("full jitter": the waits of many clients spread out)."""

LONGEST_WHILE_WAITED_FOR = 10.0
"""Seconds between the attempts of one request, all of them together, while somebody waits for it:
clients give up after 20 to 60, and do better to hear 429 and when to come again."""


@dataclass(slots=True)
class _Call:
    """One request with all its attempts."""

    path: str
    body: Mapping[str, Any]
    waited: float = 0.0
    failed: set[int] = field(default_factory=set)
    request: Hashable = field(default_factory=lambda: asking() or object())


class ApiClient:
    """Posts JSON to a server, or to the first of several that answers.

    Args:
        http: its base_url is the API's root (".../v1/"); headers carry the key.
        spares: further servers that serve the same, in order; asked where those before fail.
        who: what the server is called in errors.
        concurrency: requests in flight at most; the others wait.
        attempts: how often one request is sent in all, where the fault may pass.
        longest_wait: seconds; a server that asks to be left alone for longer is given up.
        breakers: whether a server that fails again and again is left alone for a while.
    """

    def __init__(
        self,
        http: httpx.AsyncClient,
        *,
        spares: Sequence[httpx.AsyncClient] = (),
        who: str = "the upstream",
        concurrency: int = 256,
        attempts: int = 4,
        longest_wait: float = 30.0,
        breakers: bool = False,
    ) -> None:
        self._http = http
        self._servers = Servers((http, *spares), who, breakers=breakers)
        self._who = who
        self._slots = asyncio.Semaphore(concurrency)
        self._attempts = attempts
        self._longest_wait = longest_wait
        self._budget = RetryBudget()

    async def post(self, path: str, body: Mapping[str, Any]) -> bytes:
        """The body of the answer to a request that is not streamed.

        Raises:
            RequestError: the server says that the request is wrong.
            GeneratorBusyError: it has too much to do, to the last attempt.
            GeneratorError: it cannot be reached, refuses the key, or fails to the last attempt.
        """
        content: bytes = await self._retry(self._post, path, body)
        return content

    async def stream(self, path: str, body: Mapping[str, Any]) -> AsyncGenerator[dict[str, Any]]:
        """The chunks of a streamed answer; closing it hangs up.

        Raises (before the first chunk as `post`, later from the iterator):
            GeneratorError: the connection broke, the server reports a fault in the middle, or what
                it sends is no chunk.
        """
        chunks: AsyncGenerator[dict[str, Any]] = await self._retry(
            self._open, path, {**body, "stream": True}
        )
        return chunks

    async def check_alive(self) -> None:
        """Return if a server answers at all, and is not left alone because it fails.

        Raises:
            GeneratorError: none does, or they refuse the key, or redirect.
        """
        faults: list[GeneratorError] = []
        for number in range(len(self._servers)):
            try:
                self._servers.require_open(number)
                await self._check_alive(self._servers[number])
            except GeneratorError as error:
                faults.append(error)
            else:
                return
        raise faults[0]

    async def _check_alive(self, http: httpx.AsyncClient) -> None:
        try:
            response = await http.get("models")
        except TRANSPORT_ERRORS as error:
            raise self._unreachable(error) from error
        status = response.status_code
        if status >= 500 or status in (401, 403) or is_redirect(status):
            fault = fault_of(self._who, read_fault(status, response.headers, b""), ())
            raise GeneratorError(str(fault))

    async def _retry(
        self, attempt: Callable[[httpx.AsyncClient, _Call], Any], path: str, body: Mapping[str, Any]
    ) -> Any:
        call = _Call(path, body)
        self._budget.earn()
        try:  # most requests need no other attempt, and tenacity takes its time
            return await self._attempt(attempt, call)
        except TransientError as error:
            first = [error]

        async def attempted() -> Any:
            """The attempt that has failed already, then new ones."""
            if first:
                raise first.pop()
            return await self._attempt(attempt, call)

        attempts = stop_after_attempt(self._attempts)
        retrying = AsyncRetrying(
            stop=lambda state: attempts(state) or not self._goes_on(state, call),
            wait=lambda state: self._wait(state, call),
            retry=retry_if_exception_type(TransientError),
            reraise=True,
        )
        try:
            return await retrying(attempted)
        except TransientError as error:
            raise error.final from error.with_traceback(None)
        finally:
            call.body = {}  # tenacity's objects hold each other, and the call, for long

    async def _attempt(
        self, attempt: Callable[[httpx.AsyncClient, _Call], Any], call: _Call
    ) -> Any:
        number = self._servers.choose(call.failed)
        try:
            with self._servers.judged(number, call.request):
                try:
                    return await attempt(self._servers[number], call)
                except MisconfiguredError as error:
                    if not self._servers.another({*call.failed, number}):
                        raise
                    raise TransientError(error.message) from error
        except TransientError:
            call.failed.add(number)
            raise

    def _goes_on(self, state: RetryCallState, call: _Call) -> bool:
        """Whether there is time for another attempt, and the budget pays for it."""
        fault = state.outcome.exception() if state.outcome else None
        patience = left()
        sleep = state.upcoming_sleep
        if patience is None:
            enough = sleep <= self._longest_wait
        else:
            waits = min(LONGEST_WHILE_WAITED_FOR, self._longest_wait, call.waited + patience)
            enough = call.waited + sleep < waits
            if isinstance(fault, TransientError) and fault.shut:
                return False
        if not (enough and self._budget.spend()):
            return False
        call.waited += sleep
        return True

    def _wait(self, state: RetryCallState, call: _Call) -> float:
        """Seconds before the next attempt: none where another server can be asked."""
        if self._servers.another(call.failed):
            return 0.0
        fault = state.outcome.exception() if state.outcome else None
        after = fault.after if isinstance(fault, TransientError) else 0.0
        return max(after, _BACK_OFF(state))

    async def _post(self, http: httpx.AsyncClient, call: _Call) -> bytes:
        try:
            async with self._slots:
                response = await http.post(call.path, **_json(call.body))
        except TRANSPORT_ERRORS as error:
            raise self._unreachable(error) from error
        self._check(response, call)
        said = fault_in_success(response.content, response.headers)
        if said is not None:
            raise fault_of(self._who, said, call.body)
        return response.content

    async def _open(self, http: httpx.AsyncClient, call: _Call) -> AsyncGenerator[dict[str, Any]]:
        async with contextlib.AsyncExitStack() as stack:
            await stack.enter_async_context(self._slots)
            asked = http.stream("POST", call.path, **_json(call.body))
            try:
                response = await stack.enter_async_context(asked)
                kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
                streamed = response.is_success and kind == "text/event-stream"
                if not streamed:
                    await response.aread()
            except TRANSPORT_ERRORS as error:
                raise self._unreachable(error) from error
            self._check(response, call)
            said = None if streamed else fault_in_success(response.content, response.headers)
            if said is not None:
                raise fault_of(self._who, said, call.body)
            options = call.body.get("stream_options")
            usage = isinstance(options, Mapping) and bool(options.get("include_usage"))
            return chunks_of(response, stack.pop_all(), self._who, streamed=streamed, usage=usage)

    def _check(self, response: httpx.Response, call: _Call) -> None:
        """Raise what a status means, unless it is a success."""
        if not response.is_success:
            said = read_fault(response.status_code, response.headers, response.content)
            raise fault_of(self._who, said, call.body)

    def _unreachable(self, error: Exception) -> GeneratorError:
        logger.warning("%s: %s: %s", self._who, type(error).__name__, without_keys(str(error)))
        if isinstance(error, OversizedError):
            return GeneratorError(f"{self._who}'s answer is too long: {error}")
        if out_of_files(error):
            return TransientError(
                f"{self._who} cannot be asked: this process has too many files open (`ulimit -n`)",
                busy=True,
            )
        slow = isinstance(error, httpx.ReadTimeout)  # it has been reached
        sentence = f"{self._who} cannot be reached ({type(error).__name__})"
        return TransientError(sentence, of_request=slow)


def _json(body: Mapping[str, Any]) -> dict[str, Any]:
    """The body as httpx takes it, in Unicode."""
    try:
        content = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
    except UnicodeEncodeError:
        content = json.dumps(
            well_formed_value(dict(body)), ensure_ascii=False, separators=(",", ":")
        ).encode()
    return {"content": content, "headers": {"content-type": "application/json"}}
