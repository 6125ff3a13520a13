"""Owns one chat completion over HTTP: how many at a time, when again, what an answer means."""

from __future__ import annotations

import asyncio
import email.utils
import math
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import httpx
from pydantic import BaseModel, Field, ValidationError
from tenacity import (
    AsyncRetrying,
    RetryCallState,
    retry_if_exception_type,
    stop_after_attempt,
    wait_random_exponential,
)

from bestofn.errors import GeneratorError, RequestError

AGAIN = frozenset({408, 409, 429, 500, 502, 503, 504})
"""Statuses after which the same request may succeed; the openai client retries on the same ones."""

REFUSED = frozenset({400, 404, 405, 413, 415, 422})
"""Statuses that say the request itself is wrong."""

_BACK_OFF = wait_random_exponential(multiplier=0.5, max=8)
"""0 to 0.5 s, then to 1, to 2, ... ("full jitter": the waits of many clients spread out)."""


class Choice(BaseModel):
    """One choice of a chat completion, as far as bestofn reads it."""

    message: dict[str, Any]
    finish_reason: str
    logprobs: dict[str, Any] | None = None
    token_ids: list[int] | None = None


class Usage(BaseModel):
    """What the upstream counted; the completion tokens of all choices are one sum."""

    prompt_tokens: int | None = None
    completion_tokens: int | None = None


class Completion(BaseModel):
    """An upstream's answer."""

    choices: list[Choice] = Field(min_length=1)
    usage: Usage = Usage()


class ChatClient:
    """Asks an OpenAI-compatible server for chat completions.

    Args:
        http: its base_url is the API's root (".../v1/"); headers carry the key.
        concurrency: requests in flight at most; the others wait.
        attempts: how often one request is sent in all, where the fault may pass.
        longest_wait: seconds; a server that asks to be left alone for longer is given up.
    """

    def __init__(
        self,
        http: httpx.AsyncClient,
        *,
        concurrency: int = 256,
        attempts: int = 4,
        longest_wait: float = 30.0,
    ) -> None:
        self._http = http
        self._places = asyncio.Semaphore(concurrency)
        self._attempts = attempts
        self._longest_wait = longest_wait

    async def complete(self, body: Mapping[str, Any]) -> Completion:
        """The answer to `body`, which is not streamed.

        Raises:
            RequestError: the server says that the request is wrong.
            GeneratorError: it cannot be reached, refuses the key, fails to the last attempt, or
                answers with something else than a chat completion.
        """
        retrying = AsyncRetrying(
            stop=stop_after_attempt(self._attempts),
            wait=self._wait,
            retry=retry_if_exception_type(_PassingError),
            reraise=True,
        )
        response: httpx.Response = await retrying(self._post, body)
        try:
            return Completion.model_validate_json(response.content)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            where = ".".join(map(str, first["loc"]))
            raise GeneratorError(
                f"the upstream's answer is no chat completion: {where or 'body'}: {first['msg']}"
            ) from error

    async def _post(self, body: Mapping[str, Any]) -> httpx.Response:
        try:
            async with self._places:
                response = await self._http.post("chat/completions", json=body)
        except httpx.TransportError as error:
            what = str(error) or type(error).__name__
            raise _PassingError(f"the upstream cannot be reached: {what}") from error
        status = response.status_code
        if response.is_success:
            return response
        said = f"the upstream answers {status}: {_message(response)}"
        if status in REFUSED:
            raise RequestError(_message(response))
        after = _retry_after(response)
        if status in AGAIN and after <= self._longest_wait:
            raise _PassingError(said, after)
        raise GeneratorError(said)

    @staticmethod
    def _wait(state: RetryCallState) -> float:
        fault = state.outcome.exception() if state.outcome else None
        after = fault.after if isinstance(fault, _PassingError) else 0.0
        return max(after, _BACK_OFF(state))


class _PassingError(GeneratorError):
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
