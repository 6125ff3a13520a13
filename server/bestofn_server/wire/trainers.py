"""Bodies of the paths that trainers ask for rewards: vLLM's pooling, OpenRLHF's remote reward."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, Field, model_validator

from bestofn.support.contradiction import contradiction
from bestofn_server.wire import bounds
from bestofn_server.wire.bounds import Json, Text
from bestofn_server.wire.messages import Message
from bestofn_server.wire.requests import TokenIds
from bestofn_server.wire.scoring import MAX_TEXTS, NOTES, ScoreUsage, ScoringBody, Texts

TokenTexts = Annotated[list[TokenIds], Field(min_length=1, max_length=MAX_TEXTS)]


class AskedTexts(ScoringBody):
    """Ready-made texts, or a conversation that ends in an answer."""

    input: Any = None
    messages: Annotated[list[Message], Field(min_length=2, max_length=bounds.MAX_ITEMS)] | None = (
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
            raise contradiction("messages", "the last message has to be the assistant's")
        return self

    @property
    def texts(self) -> list[str]:
        """The inputs that are texts, in order; none where it is a conversation."""
        given = [self.input] if isinstance(self.input, str) else self.input or ()
        return [each for each in given if isinstance(each, str)]


class PoolingRequest(AskedTexts):
    """vLLM's pooling request, to a reward model."""

    input: Text | Texts | TokenIds | TokenTexts | None = Field(
        default=None, description="a text or several, or their tokens as they are"
    )
    task: Literal["classify", "token_classify"] | None = Field(
        default=None,
        description="classify: one reward a text, which is what none means; token_classify: the "
        "reward of the text as far as each of its tokens",
    )
    encoding_format: Literal["float"] | None = None

    @property
    def by_token(self) -> bool:
        """Whether it is read token by token: asked so, or in tokens, of which the last counts."""
        return self.task == "token_classify" or not all(isinstance(t, str) for t in self.given)

    @property
    def given(self) -> list[str | list[int]]:
        """The inputs, in order; none where it is a conversation."""
        if self.input is None:
            return []
        if isinstance(self.input, str):
            return [self.input]
        tokens = [each for each in self.input if isinstance(each, int)]
        return [tokens] if tokens else [e for e in self.input if isinstance(e, str | list)]

    @model_validator(mode="after")
    def _texts_where_tokens_are_asked_for(self) -> Self:
        if self.task == "token_classify" and self.messages is not None:
            raise contradiction(
                "task", "token_classify reads texts or tokens: send input, and no messages"
            )
        return self


class PoolingItem(BaseModel):
    """One text: its reward, or one for each of its tokens."""

    index: int
    object: Literal["pooling"] = "pooling"
    data: list[float] | list[list[float]]


class PoolingResponse(BaseModel):
    """vLLM's pooling response."""

    id: str
    object: Literal["list"] = "list"
    created: int
    model: str
    data: list[PoolingItem]
    usage: ScoreUsage
    notes: list[str] = NOTES


class RemoteRewardRequest(ScoringBody):
    """OpenRLHF's request to a remote reward model: whole texts, and what they begin with."""

    query: Text | Texts = Field(description="prompt and answer in one, as the policy read them")
    prompts: Text | Texts | None = Field(default=None, description="what each query begins with")
    labels: Json | Annotated[list[Json], Field(max_length=MAX_TEXTS)] = Field(
        default=None,
        description="of each query, what a verifier, or a judge told to, compares answers with",
    )

    @model_validator(mode="after")
    def _as_many(self) -> Self:
        for name, given in (("prompts", self.prompts), ("labels", self.labels)):
            count = len(given) if isinstance(given, list) else 1
            if given is not None and count != len(self.queries):
                raise contradiction(name, f"{count} {name} for {len(self.queries)} queries")
        return self

    @property
    def queries(self) -> list[str]:
        """The whole texts, in order."""
        return [self.query] if isinstance(self.query, str) else self.query

    @property
    def openings(self) -> list[str] | None:
        """What each begins with."""
        return [self.prompts] if isinstance(self.prompts, str) else self.prompts

    @property
    def references(self) -> list[object]:
        """The label of each; None where it has none."""
        labels = self.labels if isinstance(self.labels, list) else [self.labels]
        return labels if self.labels is not None else [None] * len(self.queries)


class RemoteRewardResponse(BaseModel):
    """OpenRLHF's answer: numbers in the order of the queries."""

    rewards: list[float] = Field(description="the raw rewards")
    scores: list[float] = Field(
        description="of each reward (1 + reward / (1 + |reward|)) / 2, within 0 and 1, by which "
        "OpenRLHF filters prompts"
    )
    extra_logs: dict[str, list[float]] = Field(
        default_factory=dict[str, list[float]], description="further numbers to log; none"
    )
    notes: list[str] = NOTES
