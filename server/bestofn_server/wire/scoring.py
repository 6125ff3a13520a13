"""What requests to score have in common: the reward model's name, and fields of vLLM, Cohere and
Jina that have no effect here, which are taken and told."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from bestofn_server.wire import bounds
from bestofn_server.wire.bounds import Name, Object, Text
from bestofn_server.wire.numbers import OptionalInteger

MAX_TEXTS = 1024
"""Responses, inputs or documents in one request, at most."""

Texts = Annotated[list[Text], Field(min_length=1, max_length=MAX_TEXTS)]

STRICT = ConfigDict(extra="forbid", strict=True)
MODEL = Field(default=None, description="the reward model's name")
NOTES = Field(
    default_factory=list[str], description="what was done otherwise than asked, in sentences"
)

_IGNORED = "taken, and ignored with a note: every text is read as the reward model reads it"
_COUNT = Field(default=None, ge=-1, le=bounds.LARGEST, description=_IGNORED)


class ScoringBody(BaseModel):
    """The fields that every path of this kind takes; the others are a 400."""

    model_config = STRICT
    model: Name | None = MODEL
    user: Name | None = Field(default=None, description=_IGNORED)
    priority: OptionalInteger = Field(
        default=None, ge=bounds.SMALLEST, le=bounds.LARGEST, description=_IGNORED
    )
    request_id: Name | None = Field(
        default=None, description="ignored with a note: it is the header X-Request-Id"
    )
    truncate_prompt_tokens: OptionalInteger = _COUNT
    truncation_side: Name | None = Field(default=None, description=_IGNORED)
    truncation: bool | None = Field(default=None, description=_IGNORED)
    padding: Name | None = Field(default=None, description=_IGNORED)
    add_special_tokens: bool | None = Field(default=None, description=_IGNORED)
    max_tokens_per_query: OptionalInteger = _COUNT
    max_tokens_per_doc: OptionalInteger = _COUNT
    max_chunks_per_doc: OptionalInteger = _COUNT
    instruction: Text | None = Field(default=None, description=_IGNORED)
    chat_template_kwargs: Object | None = Field(default=None, description=_IGNORED)
    mm_processor_kwargs: Object | None = Field(default=None, description=_IGNORED)
    cache_salt: Name | None = Field(default=None, description=_IGNORED)
    return_embeddings: bool | None = Field(default=None, description=_IGNORED)

    @property
    def notes(self) -> list[str]:
        """A sentence on each field that is given and ignored."""
        return [f"{name} has no effect here" for name in _WITHOUT_EFFECT if getattr(self, name)]


_WITHOUT_EFFECT = tuple(name for name in ScoringBody.model_fields if name not in ("model", "user"))
"""Those that would have one elsewhere; `user` has none anywhere."""


class ScoreUsage(BaseModel):
    """Tokens that the reward model read."""

    prompt_tokens: int
    total_tokens: int
