"""The OpenAPI page: that it says everything, and schemathesis on whether it is true."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
import schemathesis
from fastapi import FastAPI
from pydantic import SecretStr
from schemathesis.config import SchemathesisConfig

from bestofn import Pipeline, Score, Settings, embedded
from bestofn.builders.choosing import build_selector
from bestofn.builders.pipeline import build_filters
from bestofn.settings.sections import ServerSettings
from bestofn.testing import FakeCompletion, FakeGenerator, FakeRewardModel
from bestofn_server.app import create_app

Case = schemathesis.Case[Any]

KEY = "secret"
ANSWERS: list[str | FakeCompletion] = [
    "It is three.",
    "8 - 5 = 3.",
    FakeCompletion("It is the", "length"),
    "Three, I think.",
]

RULES = re.compile(
    "|".join(
        [
            "stream_options is given, and stream is not true",
            r"n is \d+, which is more than best_of",
            "temperature 0 makes all candidates equal, so n has to be 1",
            "max_tokens and max_completion_tokens say different things",
            r"best_of is \d+; this server takes at most 64",
            r"[\d,]+ prompts of best_of \d+ are [\d,]+ candidates",
            r"max_tokens is [\d,]+; this server takes at most 131,072",
            "the request may sample [0-9,]+ candidate tokens",
            r"bestofn\.stop: \w+ is an option of",  # of another rule
            r"(.+: )?the number is (beyond 64 bits|too large)",  # within a value of any shape
            "a prompt of token ids is taken with best_of 1 only",
            "[a-z, _]+: taken with best_of 1 only",
            "a request cannot set up the (filter|answer key)",
            r"bestofn\.stop: the rule \w+ needs \w+",
            r"stop\.min is \d+, and best_of is \d+",
            "stop: the rule reward needs a reward model",
            r"(bestofn\.)?filters\.\d+\.name: Input should be a valid string",  # {"name": {}}
            "(filter|selector|answer key) [a-z_]+: ",
            "no (selector|answer key|filter) is called",
            "unknown selector",
            # Items, blocks and tools are objects on the page; what each kind has to hold, and what
            # needs state, is said by the errors.
            r"(input|messages|tools|system)\.?\S*: ",
            r"tool_choice\S*: ",
            r"\w+: this server (keeps|runs|moderates|connects)",
            "text.format: a format of the type json_schema needs a name and a schema",
            r"thinking\.budget_tokens: it has to be there",
            r"X-Bestofn-Stop: the rule \w+ needs",
            "give either (prompt|input) or messages",
            "the last message has to be the assistant's",
        ]
    )
)
"""What data may be refused for that the page calls valid: fields that contradict each other, a
limit of this server, filters that only the operator sets up, a filter's or selector's own options.
JSON schema says none of it, or only in ways that nobody could read."""

_REFUSED = ["2xx", "400", "404", "422"]
"""400: see `RULES`. 404: an unknown model. 422: nothing acceptable, and the policy is `error`."""

CONFIG: dict[str, Any] = {
    "seed": 1,
    # 413: a list of more items than the page allows can be more bytes than a body may have.
    "checks": {"negative_data_rejection": {"expected-statuses": ["4xx"]}},
    "generation": {"deterministic": True, "max-examples": 40, "database": "none"},
    # Names that exist, half of the time: else everything would end at a 404.
    "dictionaries": {"models": {"values": [embedded.NAME, embedded.REWARD_NAME]}},
    "parameters": {
        where: {"dictionary": "models", "probability": 0.5}
        for where in ("path.model", "body.model")
    },
    "operations": [
        {
            "include-path": ["/v1/rewards", "/classify"],
            "checks": {"positive_data_acceptance": {"expected-statuses": _REFUSED}},
        },
        {
            "include-path": [
                "/v1/chat/completions",
                "/v1/completions",
                "/v1/responses",
                "/v1/messages",
                "/v1/messages/count_tokens",
            ],
            "checks": {
                "positive_data_acceptance": {"expected-statuses": [*_REFUSED, "504"]},
                # 504: the request's own deadline_ms came before anything was sampled
                "not_a_server_error": {"expected-statuses": ["2xx", "4xx", "504"]},
            },
        },
    ],
}


class FakeTextScorer(FakeRewardModel):
    """A fake that scores ready-made texts too."""

    async def score_texts(self, texts: Sequence[str]) -> list[Score]:
        return [Score(-float(len(text)), tokens=len(text)) for text in texts]


def _app(*keys: str) -> FastAPI:
    settings = Settings(best_of=4, server=ServerSettings(api_keys=[SecretStr(key) for key in keys]))
    pipeline = Pipeline(
        FakeGenerator(ANSWERS),
        build_selector(settings.selector),
        build_filters(settings.filters),
        FakeTextScorer(lambda request, candidate: -float(len(candidate.text))),
    )
    return create_app(settings, pipeline)


def _schema(app: FastAPI, **further: Any) -> Any:
    config = SchemathesisConfig.from_dict({**CONFIG, **further})
    return schemathesis.openapi.from_asgi("/openapi.json", app, config=config)


def _holds(case: Case) -> None:
    """All checks, and that a refusal is one of those which the page cannot say."""
    response = case.call_and_validate()
    if response.status_code == 504:
        body: Any = case.body
        assert body["bestofn"]["deadline_ms"]
    if response.status_code == 400 and case.meta and case.meta.generation.mode.is_positive:
        assert RULES.match(response.json()["error"]["message"]), response.text


@pytest.mark.slow
@_schema(_app()).parametrize()  # type: ignore[untyped-decorator]
def test_the_page_is_true(case: Case) -> None:
    _holds(case)


@pytest.mark.slow
@_schema(_app(KEY), auth={"openapi": {"key": {"bearer": KEY}}}).parametrize()  # type: ignore[untyped-decorator]
def test_the_page_is_true_behind_a_key(case: Case) -> None:
    _holds(case)


@pytest.fixture
def page() -> dict[str, Any]:
    return _app().openapi()


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
        "/v1/responses": "ResponseAnswer",
        "/v1/messages": "MessageAnswer",
        "/v1/messages/count_tokens": "MessageTokensCount",
        "/v1/models": "ModelList",
        "/v1/models/{model}": "Model",
        "/v1/rewards": "RewardsResponse",
        "/v1/rerank": "RerankResponse",
        "/classify": "ClassifyResponse",
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
    guarded = _app(KEY).openapi()
    assert guarded["security"] == [{"key": []}, {"header": []}]
    without = {path for path, operation in _operations(guarded) if operation.get("security") == []}
    assert without == {"/health", "/ready", "/metrics"}
