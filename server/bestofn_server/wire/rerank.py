"""Bodies of rerank and score: documents, or texts in pairs, as answers to a query."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from bestofn.support.contradiction import contradiction
from bestofn_server.wire import bounds
from bestofn_server.wire.activation import relevance, sigmoid
from bestofn_server.wire.bounds import Json, Name, Text
from bestofn_server.wire.numbers import OptionalInteger
from bestofn_server.wire.scoring import MAX_TEXTS, NOTES, ScoreUsage, ScoringBody, Texts


class RerankDocument(BaseModel):
    """A document as an object; its other members come back as they are."""

    model_config = ConfigDict(extra="allow", strict=True)
    __pydantic_extra__: dict[str, Json] = Field(  # pyright: ignore[reportIncompatibleVariableOverride]
        init=False
    )
    text: Text | None = None

    def read(self, fields: Sequence[str]) -> str | None:
        """What of it is scored: the texts of these members, a line each; None: it has none."""
        members = self.model_dump()
        texts = [members[name] for name in fields if isinstance(members.get(name), str)]
        return "\n".join(texts) if texts else None


class RerankRequest(ScoringBody):
    """The rerank request of Cohere, Jina and vLLM: documents are the answers to the query."""

    query: Text
    documents: list[Text | RerankDocument] = Field(min_length=1, max_length=MAX_TEXTS)
    top_n: OptionalInteger = Field(
        default=None, ge=1, le=bounds.LARGEST, description="none: all of them"
    )
    return_documents: bool = True
    rank_fields: list[Name] | None = Field(
        default=None,
        max_length=bounds.MAX_ITEMS,
        description="members of a document that are scored, a line each; none: text",
    )
    use_activation: bool | None = Field(
        default=None,
        description="false: relevance_score is the raw reward; true: a sigmoid over it; none: "
        "(1 + reward / (1 + |reward|)) / 2, which makes no ties",
    )

    @model_validator(mode="after")
    def _documents_have_texts(self) -> Self:
        for at, text in enumerate(self._read()):
            if text is None:
                raise contradiction(
                    "documents", f"document {at} has no text under {' or '.join(self._fields)}"
                )
        return self

    @property
    def texts(self) -> list[str]:
        """The documents' texts, in order."""
        return [text or "" for text in self._read()]

    def relevance_of(self, reward: float) -> float:
        """The `relevance_score` of a reward."""
        if self.use_activation is None:
            return relevance(reward)
        return sigmoid(reward) if self.use_activation else reward

    def document(self, at: int) -> RerankDocument:
        """A document as it came, as an object."""
        given = self.documents[at]
        return RerankDocument(text=given) if isinstance(given, str) else given

    @property
    def _fields(self) -> Sequence[str]:
        return self.rank_fields or ("text",)

    def _read(self) -> list[str | None]:
        return [d if isinstance(d, str) else d.read(self._fields) for d in self.documents]


class RerankItem(BaseModel):
    """One document."""

    index: int
    relevance_score: float = Field(
        description="(1 + reward / (1 + |reward|)) / 2: within 0 and 1, higher where the reward is "
        "higher; or as use_activation says"
    )
    reward: float = Field(description="the raw reward")
    document: RerankDocument | None = None


class RerankResponse(BaseModel):
    """The documents by descending reward; of equal ones the earlier first."""

    id: str
    model: str
    results: list[RerankItem]
    usage: ScoreUsage
    notes: list[str] = NOTES


class ScoreRequest(ScoringBody):
    """vLLM's score request: one query for all documents, or one for each.

    The two have one of vLLM's pairs of names.
    """

    text_1: Text | Texts | None = None
    text_2: Text | Texts | None = None
    queries: Text | Texts | None = None
    documents: Text | Texts | None = None
    items: Text | Texts | None = None
    data_1: Text | Texts | None = None
    data_2: Text | Texts | None = None
    use_activation: bool = Field(
        default=False, description="a sigmoid over the reward; vLLM's own default is true"
    )

    @model_validator(mode="after")
    def _pairs_up(self) -> Self:
        queries, documents = self._sides()
        if len(queries) not in (1, len(documents)):
            raise contradiction(
                self._names()[0],
                f"{len(queries)} queries and {len(documents)} documents: give one query, or one "
                "for each document",
            )
        return self

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """Each document with its query, in order."""
        queries, documents = self._sides()
        if len(queries) == 1:
            queries = queries * len(documents)
        return list(zip(queries, documents, strict=True))

    def _sides(self) -> tuple[list[str], list[str]]:
        first, second = (_listed(getattr(self, name)) for name in self._names())
        return first, second

    def _names(self) -> tuple[str, ...]:
        """The pair of names that was given."""
        given = tuple(name for name in _SIDES if getattr(self, name) is not None)
        if given not in _PAIRS:
            raise ValueError(
                "give text_1 and text_2, or queries and documents, and no others of these"
            )
        return given


_PAIRS = (
    ("text_1", "text_2"),
    ("queries", "documents"),
    ("queries", "items"),
    ("data_1", "data_2"),
)
_SIDES = ("text_1", "data_1", "queries", "text_2", "data_2", "documents", "items")


def _listed(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else list(value)


class ScoreItem(BaseModel):
    """One pair."""

    index: int
    object: Literal["score"] = "score"
    score: float
    reward: float = Field(description="the raw reward")


class ScoreResponse(BaseModel):
    """vLLM's score response."""

    id: str
    object: Literal["list"] = "list"
    created: int
    model: str
    data: list[ScoreItem]
    usage: ScoreUsage
    notes: list[str] = NOTES
