"""Wire formats of reward servers, as one table: path, request body, what is read of a reply.

Sources: vLLM's pooling entry points (0.32); SGLang's native API ("Classify (reward model)") for
`/classify` of a server started with --is-embedding; TEI's OpenAPI for `/predict` and `/rerank`;
Jina's and Cohere's for `/v1/rerank`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BaseModel, Field, Strict, TypeAdapter, ValidationError

from bestofn.core.no_winner import RewardError
from bestofn.settings.reward_server import RewardApi
from bestofn.support.error_text import faults

WHO = "the reward server"
"""What the server is called in errors."""


@dataclass(frozen=True, slots=True)
class TextApi:
    """A server that reads one ready-made text, and says its labels' numbers.

    Args:
        path: below the server's root.
        body: (model, text as ids or as it is, whether an activation is asked for) to a request.
        read: a reply to the labels' numbers.
        takes_token_ids: whether it takes tokens; else it takes the text and tokenises it itself.
        switches_activation: whether it can be told to leave the activation out.
    """

    path: str
    body: Callable[[str | None, Any, bool], Mapping[str, Any]]
    read: Callable[[bytes], Sequence[float]]
    takes_token_ids: bool
    switches_activation: bool


@dataclass(frozen=True, slots=True)
class RerankApi:
    """A server that reads a query with its documents, and says each one's number.

    Args:
        path: below the server's root.
        body: (model, query, documents, whether an activation is asked for) to a request.
        read: a reply to pairs of a document's index and its number.
        switches_activation: whether it can be told to leave the activation out.
    """

    path: str
    body: Callable[[str | None, str, Sequence[str], bool], Mapping[str, Any]]
    read: Callable[[bytes], Sequence[tuple[int, float]]]
    switches_activation: bool


Number = Annotated[float, Strict()]
"""A JSON number; ``true`` and ``"5"`` are none."""

Count = Annotated[int, Strict()]
"""A JSON number without a fraction."""


class _Probs(BaseModel):
    probs: list[Number]


class _Classified(BaseModel):
    data: Annotated[list[_Probs], Field(min_length=1, max_length=1)]


class _Values(BaseModel):
    data: list[Number]


class _Pooled(BaseModel):
    data: Annotated[list[_Values], Field(min_length=1, max_length=1)]


class _Embedding(BaseModel):
    embedding: list[Number]


class _Score(BaseModel):
    score: Number


class _Result(BaseModel):
    index: Count
    relevance_score: Number


class _Results(BaseModel):
    results: list[_Result]


class _Ranked(BaseModel):
    index: Count
    score: Number


_ONE_OR_MANY: TypeAdapter[_Embedding | list[_Embedding]] = TypeAdapter(
    _Embedding | Annotated[list[_Embedding], Field(min_length=1, max_length=1)]
)
_SCORES: TypeAdapter[list[_Score]] = TypeAdapter(list[_Score])
_RANKED: TypeAdapter[list[_Ranked]] = TypeAdapter(list[_Ranked])


def _with_model(model: str | None, **fields: Any) -> dict[str, Any]:
    return fields if model is None else {"model": model, **fields}


def _embedding(reply: bytes) -> Sequence[float]:
    read = _ONE_OR_MANY.validate_json(reply)
    return read.embedding if isinstance(read, _Embedding) else read[0].embedding


def _relevance(reply: bytes) -> Sequence[tuple[int, float]]:
    results = _Results.model_validate_json(reply).results
    return [(each.index, each.relevance_score) for each in results]


TEXT_APIS: Mapping[RewardApi, TextApi] = {
    "vllm-classify": TextApi(
        "classify",
        lambda model, ids, activation: _with_model(model, input=ids, use_activation=activation),
        lambda reply: _Classified.model_validate_json(reply).data[0].probs,
        takes_token_ids=True,
        switches_activation=True,
    ),
    "vllm-pooling": TextApi(
        "pooling",
        lambda model, ids, activation: _with_model(
            model, input=ids, task="classify", use_activation=activation
        ),
        lambda reply: _Pooled.model_validate_json(reply).data[0].data,
        takes_token_ids=True,
        switches_activation=True,
    ),
    "sglang-classify": TextApi(
        "classify",
        lambda model, ids, activation: _with_model(model, input_ids=[ids]),
        _embedding,
        takes_token_ids=True,
        switches_activation=False,
    ),
    "tei-predict": TextApi(
        "predict",
        lambda model, text, activation: {
            "inputs": text,
            "raw_scores": not activation,
            "truncate": False,
        },
        lambda reply: [each.score for each in _SCORES.validate_json(reply)],
        takes_token_ids=False,
        switches_activation=True,
    ),
}
"""The servers that read texts."""

RERANK_APIS: Mapping[RewardApi, RerankApi] = {
    "tei-rerank": RerankApi(
        "rerank",
        lambda model, query, documents, activation: {
            "query": query,
            "texts": documents,
            "raw_scores": not activation,
            "truncate": False,
        },
        lambda reply: [(each.index, each.score) for each in _RANKED.validate_json(reply)],
        switches_activation=True,
    ),
    "vllm-rerank": RerankApi(
        "v1/rerank",
        lambda model, query, documents, activation: _with_model(
            model, query=query, documents=documents, use_activation=activation
        ),
        _relevance,
        switches_activation=True,
    ),
    "rerank": RerankApi(
        "v1/rerank",
        lambda model, query, documents, activation: _with_model(
            model, query=query, documents=documents
        ),
        _relevance,
        switches_activation=False,
    ),
}
"""The servers that read a query with documents."""


def read_reply(read: Callable[[bytes], Any], reply: bytes) -> Any:
    """What a reply holds.

    Raises:
        RewardError: it is of another form.
    """
    try:
        return read(reply)
    except ValidationError as error:
        raise RewardError(f"{WHO} answers in another form: {faults(error)[0]}") from error
