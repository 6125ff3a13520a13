"""The OpenAPI page says everything: every route, answer, error, stream, field and key."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.documented_app import KEY, documented_app


@pytest.fixture(scope="module")
def page() -> dict[str, Any]:
    return documented_app().openapi()


def _operations(page: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, methods in page["paths"].items():
        for operation in methods.values():
            yield path, operation


def _properties(page: dict[str, Any], model: str) -> dict[str, Any]:
    properties: dict[str, Any] = page["components"]["schemas"][model]["properties"]
    return properties


def test_every_answer_has_its_fields(page: dict[str, Any]) -> None:
    models = {
        path: operation["responses"]["200"]["content"]
        .get("application/json", {})
        .get("schema", {})
        .get("$ref", "")
        .rpartition("/")[2]
        for path, operation in _operations(page)
    }
    assert models == {
        "/v1/chat/completions": "Completion",
        "/v1/completions": "Completion",
        "/v1/candidates": "",
        "/v1/responses": "ResponseAnswer",
        "/v1/responses/input_tokens": "InputTokenCountResponse",
        "/v1/messages": "MessageAnswer",
        "/v1/messages/count_tokens": "MessageTokensCount",
        "/v1/models": "ModelList",
        "/v1/models/{model}": "Model",
        "/v1/rewards": "RewardsResponse",
        "/v1/rerank": "RerankResponse",
        "/classify": "ClassifyResponse",
        "/rerank": "RerankResponse",
        "/v2/rerank": "RerankResponse",
        "/score": "ScoreResponse",
        "/v1/score": "ScoreResponse",
        "/pooling": "PoolingResponse",
        "/get_reward": "RemoteRewardResponse",
        "/tokenize": "Tokens",
        "/detokenize": "Detokenized",
        "/ping": "Status",
        "/load": "Load",
        "/version": "Version",
        "/health": "Status",
        "/ready": "Status",
        "/metrics": "",
    }
    fields = {"id", "object", "created", "model", "choices", "usage", "bestofn"}
    assert _properties(page, "Completion").keys() == fields
    metrics = page["paths"]["/metrics"]["get"]["responses"]["200"]["content"]
    assert metrics == {"text/plain": {"schema": {"type": "string"}}}


def test_streams_are_described(page: dict[str, Any]) -> None:
    for path in ("/v1/chat/completions", "/v1/completions"):
        content = page["paths"][path]["post"]["responses"]["200"]["content"]
        assert content.keys() == {"application/json", "text/event-stream"}
        done, chunk = content["text/event-stream"]["itemSchema"]["properties"]["data"]["anyOf"]
        assert done["const"] == "[DONE]"
        assert {"$ref": "#/components/schemas/Completion"} in chunk["contentSchema"]["anyOf"]


def test_every_error_is_the_envelope(page: dict[str, Any]) -> None:
    for path, operation in _operations(page):
        name = "MessagesErrorEnvelope" if path.startswith("/v1/messages") else "ErrorEnvelope"
        envelope = {"application/json": {"schema": {"$ref": f"#/components/schemas/{name}"}}}
        for status, response in operation["responses"].items():
            if status != "200":
                assert response["content"] == envelope, (path, status)
                assert response["description"]
    assert "ValidationError" not in str(page)


def test_what_bestofn_adds_is_explained(page: dict[str, Any]) -> None:
    assert "BestOfNOptions" in str(_properties(page, "ChatRequest")["bestofn"])
    assert "BestOfNReport" in str(_properties(page, "Completion")["bestofn"])
    for model in ("BestOfNOptions", "BestOfNReport"):
        assert page["components"]["schemas"][model]["description"]
        for name, field in _properties(page, model).items():
            inside = re.findall(r"#/components/schemas/(\w+)", str(field))
            said = [page["components"]["schemas"][each] for each in inside]
            assert "description" in field or all("description" in each for each in said), name


def test_keys_are_on_the_page_where_they_are_needed(page: dict[str, Any]) -> None:
    assert "security" not in page
    guarded = documented_app(KEY).openapi()
    assert guarded["security"] == [{"key": []}, {"header": []}]
    without = {path for path, operation in _operations(guarded) if operation.get("security") == []}
    assert without == {"/health", "/ready", "/ping", "/load", "/metrics"}


def test_a_header_is_never_null(page: dict[str, Any]) -> None:
    headers = {
        parameter["name"]: parameter["schema"]
        for _, operation in _operations(page)
        for parameter in operation.get("parameters", ())
        if parameter["in"] == "header"
    }
    assert headers["X-Bestofn-Best-Of"]["type"] == "integer"
    assert headers["X-Bestofn-Return-Candidates"]["enum"] == ["none", "summary", "full"]
    assert "null" not in str(headers)
