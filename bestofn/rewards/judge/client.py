"""The client of a judge's server: one question as a chat completion, the answer as a `Reply`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, Field, ValidationError

from bestofn.core.errors import RequestError
from bestofn.core.no_winner import GeneratorError
from bestofn.core.types import Failure, message_text
from bestofn.openai_api.client import ApiClient
from bestofn.openai_api.completions import Choice, Completion, read_completion
from bestofn.rewards.judge.replies import REFUSED, UNREACHABLE, Reply
from bestofn.support.plain_json import read_beside

WHO = "the judge"
"""What the judge's server is called in errors."""

RESERVED_FIELDS = frozenset(
    {
        "logprobs",
        "max_completion_tokens",
        "max_tokens",
        "messages",
        "model",
        "n",
        "response_format",
        "seed",
        "stream",
        "temperature",
        "top_logprobs",
    }
)
"""Fields of a body that have options of their own, or that the judge sets."""

Complete = Callable[[Mapping[str, Any]], Awaitable[Completion]]
"""Asks the judge: the body of a chat completion to its answer. Raises RequestError where the
question is refused, GeneratorError where the judge fails."""

Schema = Mapping[str, Any]
"""JSON Schema, of a verdict or of a part of it."""


@dataclass(frozen=True, slots=True)
class Decoding:
    """How verdicts are decoded.

    Args:
        temperature: 0 to 2.
        max_tokens: of one reply, at most.
        reasons: whether the judge says why before it gives its verdict.
    """

    temperature: float
    max_tokens: int
    reasons: bool = True

    def fields(self, seed: int) -> dict[str, Any]:
        """The fields of a body; the seed is sent only where it has an effect."""
        fields = {"temperature": self.temperature, "max_completion_tokens": self.max_tokens}
        return fields if self.temperature == 0 else fields | {"seed": seed}

    def schema(self, key: str, value: Schema) -> Schema:
        """That of a verdict under `key`: the reasons come first, so that it follows from them."""
        properties: dict[str, Schema] = {"reasoning": {"type": "string"}} if self.reasons else {}
        properties[key] = value
        return {
            "type": "object",
            "properties": properties,
            "required": list(properties),
            "additionalProperties": False,
        }


class JudgeClient:
    """Asks one model on one server.

    A verdict's schema is sent as ``response_format``. Whether the server takes that is found out by
    the first question and remembered: where it refuses it, but not the same question without it, it
    is not sent again. A server that ignores it answers in plain text, which is read too.

    Args:
        complete: asks the judge; see `over_http`.
        model: its name there; None: its default.
        options: further fields of each body.
        structured: whether the schema is sent; None: where the server takes it.
    """

    def __init__(
        self,
        complete: Complete,
        model: str | None,
        *,
        options: Mapping[str, Any] | None = None,
        structured: bool | None = None,
    ) -> None:
        self._post = complete
        named = {} if model is None else {"model": model}
        self._fixed = {**(options or {}), **named, "stream": False}
        self._structured = structured

    async def ask(
        self, prompt: str, fields: Mapping[str, Any], schema: Schema | None = None
    ) -> Reply:
        """The reply to one question; what goes wrong is a `Reply` with a failure.

        Args:
            prompt: the question, one message of the user.
            fields: of the body besides, see `Decoding`.
            schema: of the verdict.
        """
        body = {**self._fixed, "messages": [{"role": "user", "content": prompt}], **fields}
        try:
            return _reply(await self._complete(body, schema))
        except RequestError as error:
            return Reply(failure=Failure(REFUSED, str(error)))
        except GeneratorError as error:
            return Reply(failure=Failure(UNREACHABLE, str(error)))

    async def _complete(self, body: Mapping[str, Any], schema: Schema | None) -> Completion:
        if schema is None or self._structured is False:
            return await self._post(body)
        wanted = {"name": "verdict", "schema": schema, "strict": True}
        format_ = {"type": "json_schema", "json_schema": wanted}
        try:
            completion = await self._post({**body, "response_format": format_})
        except RequestError:
            if self._structured is not None:
                raise
            # It may be the format that is refused; where it is not, this raises the same.
            completion = await self._post(body)
            self._structured = False
            return completion
        self._structured = True
        return completion


def over_http(client: ApiClient) -> Complete:
    """Asks a server."""

    async def complete(body: Mapping[str, Any]) -> Completion:
        content = await client.post("chat/completions", body)
        return await read_beside(read_completion, content, WHO)

    return complete


class _Top(BaseModel):
    token: str
    logprob: float | None


class _Token(BaseModel):
    top_logprobs: list[_Top]


class _Logprobs(BaseModel):
    content: list[_Token] = Field(min_length=1)


def _reply(completion: Completion) -> Reply:
    choice, usage = completion.choices[0], completion.usage
    failure = None if choice.error is None else Failure(UNREACHABLE, choice.error)
    return Reply(
        text=message_text(choice.message),
        finish_reason=choice.finish_reason,
        failure=failure,
        tokens=(usage.prompt_tokens or 0) + (usage.completion_tokens or 0),
        first_tokens=_first_tokens(choice),
    )


def _first_tokens(choice: Choice) -> list[tuple[str, float]] | None:
    """The tokens that could have come first; None where the server does not say."""
    try:
        tokens = _Logprobs.model_validate(choice.logprobs).content
    except ValidationError:
        return None
    return [(top.token, top.logprob) for top in tokens[0].top_logprobs if top.logprob is not None]
