"""Schemathesis on whether the OpenAPI page is true; tests/conftest.py loads its plug-in."""

from __future__ import annotations

import re
from typing import Any

import pytest
import schemathesis
from fastapi import FastAPI
from schemathesis.config import SchemathesisConfig

from bestofn import embedded
from tests.support.documented_app import KEY, documented_app

pytestmark = pytest.mark.slow

Case = schemathesis.Case[Any]

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
            # within a value of any shape
            r"(.+: )?the number is (beyond 64 bits|too large)",
            r"(.+: )?a list of [\d,]+ items",
            r"(.+: )?an object of [\d,]+ members",
            "a prompt of token ids is taken with best_of 1 only",
            "[a-z, _]+: taken with best_of 1 only",
            "a request cannot set up the (filter|answer key)",
            r"bestofn\.stop: the rule \w+ needs \w+",
            r"stop\.min is \d+, and best_of is \d+",
            "stop: the rule reward needs a reward model",
            r"(bestofn\.)?filters\.\d+\.name: must be a text",  # {"name": {}}
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
            "X-Bestofn-Stop: ",  # a rule and its options, in words
            "give either (prompt|input) or messages",
            "token_classify reads texts or tokens",
            "this reward model makes one number of a text",
            "give text_1 and text_2, or queries and documents",
            r"\d+ queries and \d+ documents",
            r"\d+ (prompts|labels) for \d+ queries",
            r"document \d+ has no text under ",
            r"max_tokens is 0; it must be at least 1",
            "the last message has to be the assistant's",
        ]
    ),
    re.DOTALL,  # a member's name may hold a line break
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
            "include-path": [
                "/v1/rewards",
                "/classify",
                "/pooling",
                "/get_reward",
            ]
            + [f"{at}/{name}" for at in ("", "/v1") for name in ("rerank", "score")]
            + ["/v2/rerank"],
            "checks": {"positive_data_acceptance": {"expected-statuses": _REFUSED}},
        },
        {
            "include-path": ["/tokenize", "/detokenize"],
            "checks": {
                # 501: the fakes that sample here have no tokenizer
                "positive_data_acceptance": {"expected-statuses": [*_REFUSED, "501"]},
                "not_a_server_error": {"expected-statuses": ["2xx", "4xx", "501"]},
            },
        },
        {
            "include-path": [
                "/v1/chat/completions",
                "/v1/completions",
                "/v1/candidates",
                "/v1/responses",
                "/v1/responses/input_tokens",
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


@_schema(documented_app()).parametrize()  # type: ignore[untyped-decorator]
def test_the_page_is_true(case: Case) -> None:
    _holds(case)


@_schema(documented_app(KEY), auth={"openapi": {"key": {"bearer": KEY}}}).parametrize()  # type: ignore[untyped-decorator]
def test_the_page_is_true_behind_a_key(case: Case) -> None:
    _holds(case)
