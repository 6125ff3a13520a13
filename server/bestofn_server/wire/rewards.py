"""Request and response bodies of the reward model: bestofn's own rewards, and vLLM's classify."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from bestofn.settings.sections import FilterSpecs
from bestofn.support.conversation import AnsweredConversation, ResponseText
from bestofn_server.wire import bounds
from bestofn_server.wire.bounds import Json, Name, Text
from bestofn_server.wire.messages import Message
from bestofn_server.wire.report import FailureReport, RejectionReport
from bestofn_server.wire.scoring import MAX_TEXTS, MODEL, NOTES, STRICT, ScoreUsage, Texts
from bestofn_server.wire.trainers import AskedTexts


class GivenResponse(ResponseText):
    """A response with its finish reason."""

    text: Text
    finish_reason: Name = "stop"


class RewardsRequest(AnsweredConversation):
    """Responses to one prompt, which are filtered, scored and ranked."""

    model_config = STRICT
    model: Name | None = MODEL
    prompt: Text | None = None
    messages: list[Message] | None = Field(default=None, min_length=1, max_length=bounds.MAX_ITEMS)
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


class RewardsResponse(BaseModel):
    """Every response by its index, and the indices of the ranked, best first."""

    object: Literal["list"] = "list"
    model: str
    data: list[RewardItem]
    ranking: list[int]
    usage: ScoreUsage


class ClassifyRequest(AskedTexts):
    """vLLM's classification request: ready-made texts, or a conversation that ends in an answer."""

    input: Text | Texts | None = None


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
    notes: list[str] = NOTES
