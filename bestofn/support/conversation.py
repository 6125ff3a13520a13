"""The conversation of a row, as `bestofn score`, `bestofn sample` and POST /v1/rewards read it.

A prompt or messages, before them a system message, beside them what an answer is compared with:

    {"prompt": "2 + 3?", "system": "Be brief.", "reference": 5}
    {"messages": [{"role": "user", "content": "2 + 3?"}], "responses": ["5", {"text": "6"}]}

What scores reads responses besides; what samples and what serves have fields of their own.
"""

from __future__ import annotations

from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from bestofn.core.finish_reason import known_as
from bestofn.core.types import Candidate, Message
from bestofn.support.plain_json import well_formed, well_formed_value


class Conversation(BaseModel):
    """What is to be answered: either `prompt` or `messages`, never both."""

    prompt: str | None = None
    messages: list[dict[str, Any]] | None = Field(default=None, min_length=1)
    system: str | None = Field(default=None, description="a system message before the others")
    reference: Any = Field(
        default=None, description="what a verifier, or a judge told to, compares answers with"
    )

    @model_validator(mode="before")
    @classmethod
    def _well_formed(cls, given: Any) -> Any:
        """Half of a surrogate pair becomes U+FFFD: one such text costs no other."""
        return well_formed_value(given) if isinstance(given, dict) else given

    @model_validator(mode="after")
    def _one_of(self) -> Self:
        if (self.prompt is None) == (self.messages is None):
            raise ValueError("give either prompt or messages")
        return self

    @property
    def conversation(self) -> tuple[Message, ...]:
        """The messages, oldest first. A field that is null is left out: tables hold a null in each
        message that lacks what another has."""
        messages = list(self.messages or ({"role": "user", "content": self.prompt},))
        if self.system is not None:
            messages.insert(0, {"role": "system", "content": self.system})
        return tuple(
            {name: value for name, value in message.items() if value is not None}
            for message in messages
        )


class ResponseText(BaseModel):
    """A response with its finish reason."""

    model_config = ConfigDict(extra="forbid", strict=True)
    text: str
    finish_reason: str = "stop"


class AnsweredConversation(Conversation):
    """A conversation with responses that exist, which are filtered, scored and ranked."""

    responses: list[str | ResponseText] = Field(min_length=1)

    @property
    def candidates(self) -> tuple[Candidate, ...]:
        """The responses, in order; a plain string counts as ended by itself."""
        given = [ResponseText(text=r) if isinstance(r, str) else r for r in self.responses]
        return tuple(candidate_of(at, r.text, r.finish_reason) for at, r in enumerate(given))


def candidate_of(index: int, text: str, finish_reason: str = "stop") -> Candidate:
    """A text as a candidate."""
    message = {"role": "assistant", "content": well_formed(text)}
    return Candidate(index, message, known_as(finish_reason))
