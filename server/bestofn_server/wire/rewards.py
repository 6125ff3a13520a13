"""Request and response bodies of the reward model: bestofn's rewards, vLLM's classify, rerank."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from bestofn.settings.sections import FilterSpecs
from bestofn.support.conversation import AnsweredConversation, ResponseText
from bestofn_server.wire import bounds
from bestofn_server.wire.bounds import Json, Name, Object, Text
from bestofn_server.wire.numbers import OptionalInteger
from bestofn_server.wire.report import FailureReport, RejectionReport

MAX_TEXTS = 1024
"""Responses, inputs or documents in one request, at most."""


_STRICT = ConfigDict(extra="forbid", strict=True)
_MODEL = Field(default=None, description="the reward model's name")


class _Body(BaseModel):
    model_config = _STRICT
    model: Name | None = _MODEL


class GivenResponse(ResponseText):
    """A response with its finish reason."""

    text: Text
    finish_reason: Name = "stop"


class RewardsRequest(AnsweredConversation):
    """Responses to one prompt, which are filtered, scored and ranked."""

    model_config = _STRICT
    model: Name | None = _MODEL
    prompt: Text | None = None
    messages: list[Object] | None = Field(default=None, min_length=1, max_length=bounds.MAX_ITEMS)
    system: Text | None = Field(default=None, description="a system message before the others")
    reference: Json = Field(
        default=None, description="what a verifier, or a judge told to, compares answers with"
    )
    responses: list[Text | GivenResponse] = Field(  # type: ignore[assignment]  # narrower
        min_length=1, max_length=MAX_TEXTS
    )
    filters: Annotated[FilterSpecs, Field(max_length=bounds.MAX_FILTERS)] | None = Field(
        default=None, description="instead of the server's; [] scores everything"
    )


class RewardItem(BaseModel):
    """One response; `reward` is null exactly where it was rejected or failed."""

    index: int
    reward: float | None
    rank: int | None
    components: dict[str, float]
    cut: int
    rejections: list[RejectionReport]
    failure: FailureReport | None


class ScoreUsage(BaseModel):
    """Tokens that the reward model read."""

    prompt_tokens: int
    total_tokens: int


class RewardsResponse(BaseModel):
    """Every response by its index, and the indices of the ranked, best first."""

    object: Literal["list"] = "list"
    model: str
    data: list[RewardItem]
    ranking: list[int]
    usage: ScoreUsage


class ClassifyRequest(_Body):
    """vLLM's classification request: ready-made texts, or a conversation that ends in an answer."""

    input: Text | Annotated[list[Text], Field(min_length=1, max_length=MAX_TEXTS)] | None = None
    messages: Annotated[list[Object], Field(min_length=2, max_length=bounds.MAX_ITEMS)] | None = (
        None
    )
    use_activation: bool = Field(
        default=False, description="a sigmoid over the reward; vLLM's own default is true"
    )

    @model_validator(mode="after")
    def _one_of(self) -> Self:
        if (self.input is None) == (self.messages is None):
            raise ValueError("give either input or messages")
        if self.messages is not None and self.messages[-1].get("role") != "assistant":
            raise ValueError("the last message has to be the assistant's")
        return self


class ClassifyItem(BaseModel):
    """One text; `probs` holds its reward."""

    index: int
    label: str
    probs: list[float]
    num_classes: int


class ClassifyResponse(BaseModel):
    """vLLM's classification response."""

    id: str
    object: Literal["list"] = "list"
    created: int
    model: str
    data: list[ClassifyItem]
    usage: ScoreUsage


class RerankDocument(BaseModel):
    """A document as an object."""

    model_config = ConfigDict(extra="forbid", strict=True)
    text: Text


class RerankRequest(_Body):
    """Cohere's and Jina's rerank request: documents are the answers to the query."""

    query: Text
    documents: list[Text | RerankDocument] = Field(min_length=1, max_length=MAX_TEXTS)
    top_n: OptionalInteger = Field(
        default=None, ge=1, le=bounds.LARGEST, description="none: all of them"
    )
    return_documents: bool = True

    @property
    def texts(self) -> list[str]:
        """The documents' texts, in order."""
        return [d if isinstance(d, str) else d.text for d in self.documents]


class RerankItem(BaseModel):
    """One document; the reward is its score."""

    index: int
    relevance_score: float
    document: RerankDocument | None = None


class RerankResponse(BaseModel):
    """The documents by descending reward; of equal ones the earlier first."""

    id: str
    model: str
    results: list[RerankItem]
    usage: ScoreUsage
