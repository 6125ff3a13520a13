"""From a request's body to what is run: defaults, filters, and all that is refused."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from bestofn import Pipeline, Policy, RequestError
from bestofn.builders.pipeline import FILTERS
from bestofn.filters.length import LengthFilter
from bestofn_server.service.job import ONLY_ALONE, OPEN_FILTERS
from tests.support.forwarding import ForwardingGenerator
from tests.support.planning import PATTERN, plain_pipeline, planned, settings_of
from tests.support.serving import ask


@pytest.mark.parametrize(
    ("fields", "best_of", "n"),
    [
        ({}, 8, 1),
        ({"n": 3}, 8, 3),
        ({"n": 12}, 12, 12),
        ({"best_of": 2}, 2, 1),
        ({"best_of": 2, "n": 2}, 2, 2),
        ({"best_of": None, "n": None}, 8, 1),
        ({"best_of": 4.0}, 4, 1),
        ({"model": "all"}, 3, 1),
        ({"model": "all", "n": 5}, 5, 5),
        ({"model": "all", "best_of": 2}, 2, 1),
        ({"model": "bare"}, 8, 1),
    ],
)
async def test_best_of_is_the_default_unless_more_are_to_be_returned(
    fields: dict[str, Any], best_of: int, n: int
) -> None:
    (request,) = (await planned(ask(**fields))).requests
    assert (request.best_of, request.n) == (best_of, n)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"best_of": 2, "n": 3}, "n is 3, which is more than best_of (2)"),
        ({"best_of": 65}, "best_of is 65; this server takes at most 64"),
        ({"n": 65}, "best_of is 65; this server takes at most 64"),
        ({"best_of": 0}, "best_of: must be at least 1"),
        ({"n": "3"}, "n: must be a whole number"),
        ({"temperature": 0, "n": 2}, "temperature 0 makes all candidates equal"),
        ({"temperature": 2.5}, "temperature: must be at most 2"),
        ({"model": "greedy", "n": 2}, "temperature 0 makes all candidates equal"),
        ({"stream_options": {"include_usage": True}}, "stream_options is given, and stream is"),
        ({"max_tokens": 5, "max_completion_tokens": 6}, "max_tokens and max_completion_tokens"),
        ({"messages": []}, "messages: must not be empty"),
        ({"request_id": "mine"}, "request_id: send it as the header X-Request-Id"),
        *(({name: True}, f"{name}: taken with best_of 1 only") for name in sorted(ONLY_ALONE)),
        ({"echo": True, "use_beam_search": True}, "echo, use_beam_search: taken with best_of 1"),
        ({"bestofn": {"colour": "red"}}, "bestofn.colour: there is no such option"),
        ({"bestofn": {"max_rounds": 9}}, "bestofn.max_rounds: must be at most"),
        ({"bestofn": {"deadline_ms": 0}}, "bestofn.deadline_ms: must be at least 1"),
        ({"bestofn": {"on_exhausted": "panic"}}, "bestofn.on_exhausted: must be"),
        ({"bestofn": {"return_candidates": "all"}}, "bestofn.return_candidates: must be"),
        ({"bestofn": {"selection": {"name": "best"}}}, "no selector is called 'best'"),
        ({"bestofn": {"selector": "best"}}, "no selector is called 'best'"),
        ({"bestofn": {"selector": {"vote": {"x": 1}}}}, "selector vote: there is no option x"),
        ({"bestofn": {"selector": {"soft": {"temperature": 0}}}}, "soft: temperature is 0"),
        ({"bestofn": {"answer_key": "best"}}, "a request cannot set up the answer key best"),
        ({"bestofn": {"answer_key": {"pattern": {"pattern": "(a+)+"}}}}, "the answer key pattern"),
        ({"bestofn": {"answer_key": {"custom": {"path": "os:getcwd"}}}}, "the answer key custom"),
        ({"bestofn": {"answer_key": {"number": {"x": 1}}}}, "answer key number: there is no opt"),
        ({"bestofn": {"filters": ["none"]}}, "a request cannot set up the filter none"),
        ({"bestofn": {"filters": [{"custom": {"path": "os:getcwd"}}]}}, "set up the filter custom"),
        ({"bestofn": {"filters": ["json_schema"]}}, "a request cannot set up the filter json"),
        ({"bestofn": {"filters": [PATTERN.model_dump()]}}, "cannot set up the filter pattern"),
        (
            {"bestofn": {"filters": [{"length": {"most": 1}}]}},
            "filter length: there is no option most",
        ),
        (
            {"bestofn": {"filters": [{"language": {"allowed": [5]}}]}},
            "filter language: allowed: ",
        ),
    ],
)
async def test_what_is_wrong_is_a_400_that_says_so(
    client_with_profiles: httpx.AsyncClient, fields: dict[str, Any], message: str
) -> None:
    response = await client_with_profiles.post("/v1/chat/completions", json=ask(**fields))
    assert response.status_code == 400, response.text
    error = response.json()["error"]
    assert message in error["message"]
    assert error["type"] == "invalid_request_error"
    unknown = ": there is no such option" in message
    if ": must " in message or unknown:
        assert error["param"] == message.partition(":")[0]
    assert error["code"] == ("unknown_parameter" if unknown else "invalid_value")


async def test_a_missing_field_and_no_json_have_codes_of_their_own(
    client_with_profiles: httpx.AsyncClient,
) -> None:
    for path, field in (("chat/completions", "messages"), ("completions", "prompt")):
        missing = (await client_with_profiles.post(f"/v1/{path}", json={"n": 1})).json()["error"]
        assert (missing["param"], missing["code"]) == (field, "missing_required_parameter")
    content, kind = b'{"messages": [', {"content-type": "application/json"}
    broken = await client_with_profiles.post("/v1/chat/completions", content=content, headers=kind)
    assert (broken.status_code, broken.json()["error"]["code"]) == (400, "invalid_json")


async def test_an_unknown_model_is_a_404(client_with_profiles: httpx.AsyncClient) -> None:
    answers = [
        await client_with_profiles.post("/v1/chat/completions", json=ask(model="none such")),
        await client_with_profiles.post(
            "/v1/completions", json={"prompt": "What?", "model": "none such"}
        ),
        await client_with_profiles.get("/v1/models/none such"),
    ]
    for response in answers:
        assert response.status_code == 404
        error = response.json()["error"]
        assert (error["code"], error["param"]) == ("model_not_found", "model")
        assert "'none such'" in error["message"]


async def test_the_engine_gets_what_bestofn_does_not_own() -> None:
    fields = {"top_p": 0.5, "stop": ["x"], "tools": [{"type": "function"}], "echo": False}
    sampling = {"temperature": 0.7, "max_completion_tokens": 5, "seed": 3}
    (request,) = (await planned(ask(**fields, **sampling))).requests
    assert request.options == fields
    assert (request.temperature, request.max_tokens, request.seed) == (0.7, 5, 3)
    assert (request.raw, request.endpoint) == (False, "chat/completions")
    assert request.messages == ({"role": "user", "content": "What?"},)


async def test_each_prompt_is_a_request_of_its_own() -> None:
    job = await planned({"prompt": ["one", "two"], "best_of": 3, "n": 2, "max_tokens": 10})
    assert [request.last_user_text for request in job.requests] == ["one", "two"]
    for request in job.requests:
        assert (request.best_of, request.n, request.raw) == (3, 2, True)
    assert job.tokens == 2 * 3 * 10


@pytest.mark.parametrize(
    ("fields", "tokens"),
    [
        ({"best_of": 4, "max_tokens": 10}, 40),
        ({"best_of": 4, "max_completion_tokens": 10}, 40),
        ({"best_of": 4}, 4 * 1024),
        ({"model": "all"}, 3 * 30),
        ({"model": "all", "max_tokens": 7}, 3 * 7),
    ],
)
async def test_admission_counts_what_may_be_sampled(fields: dict[str, Any], tokens: int) -> None:
    assert (await planned(ask(**fields))).tokens == tokens


async def test_the_policy_is_changed_only_where_the_request_says_so() -> None:
    policies = {
        ("on_exhausted", "error"): Policy("error", deadline_seconds=60),
        ("max_rounds", 5): Policy("best_rejected", max_rounds=5, deadline_seconds=60),
        ("deadline_ms", 250): Policy("best_rejected", deadline_seconds=0.25),
        ("return_candidates", "full"): Policy("best_rejected", deadline_seconds=60),
    }
    for (name, value), policy in policies.items():
        job = await planned(ask(bestofn={name: value}))
        assert job.pipeline.policy == policy


def test_filters_that_run_code_or_expressions_are_the_operators() -> None:
    assert FILTERS.keys() - OPEN_FILTERS == {"custom", "json_schema", "pattern"}


async def test_a_request_sets_up_open_filters_once_each() -> None:
    chosen = [{"length": {"max_tokens": 3}}, *sorted(OPEN_FILTERS - {"length"})]
    first = (await planned(ask(bestofn={"filters": chosen}))).pipeline.filters
    again = (await planned(ask(bestofn={"filters": chosen}))).pipeline.filters
    assert {each.name for each in first} == OPEN_FILTERS
    assert first[0] == LengthFilter(max_tokens=3)
    made = [pair for pair in zip(first, again, strict=True) if pair[0].name != "truncation"]
    assert all(one is other for one, other in made), "truncation is the server's own, set up twice"
    assert (await planned(ask(bestofn={"filters": []}))).pipeline.filters == []


async def test_a_request_names_what_the_operator_has_set_up() -> None:
    pipeline = plain_pipeline()
    job = await planned(ask(bestofn={"filters": ["pattern"]}), pipeline=pipeline)
    (chosen,) = job.pipeline.filters
    assert chosen is pipeline.filters[1]
    with pytest.raises(RequestError, match="cannot set up the filter pattern"):
        await planned(ask(model="all", bestofn={"filters": ["pattern"]}), pipeline=pipeline)


async def test_one_candidate_is_left_to_the_engine_itself() -> None:
    pipeline = plain_pipeline(ForwardingGenerator())
    settings = settings_of(temperature=0.3, max_tokens=11, profiles={"lora": {"model": "a-lora"}})
    own = ask(best_of=1, n=1, echo=True, top_p=None, temperature=None)
    job = await planned(own, settings, pipeline)
    assert job.requests == ()
    assert job.forward == {**ask(), "n": 1, "echo": True, "top_p": None} | {
        "temperature": 0.3,
        "max_tokens": 11,
    }
    own = ask(best_of=1, model="lora", temperature=0.9, max_completion_tokens=4, stream=True)
    job = await planned(own, settings, pipeline)
    assert (job.model, job.stream, job.tokens) == ("lora", True, 4)
    assert job.forward == ask(model="a-lora", temperature=0.9, max_completion_tokens=4, stream=True)
    for ranked in (ask(best_of=1, bestofn={}), ask(best_of=2)):
        assert (await planned(ranked, settings, pipeline)).forward is None
    assert (await planned(ask(best_of=1), settings)).forward is None


@pytest.mark.parametrize("prompt", [[1, 2, 3], [[1, 2], [3]]])
async def test_token_ids_are_left_to_the_engine_or_refused(prompt: Any) -> None:
    forwarding = plain_pipeline(ForwardingGenerator())
    job = await planned({"prompt": prompt, "best_of": 1}, pipeline=forwarding)
    assert (job.requests, job.endpoint) == ((), "completions")
    assert job.forward == {"prompt": prompt}
    refused: list[tuple[dict[str, Any], Pipeline]] = [
        ({"best_of": 1, "bestofn": {}}, forwarding),
        ({"best_of": 1}, plain_pipeline()),
    ]
    for fields, pipeline in refused:
        with pytest.raises(RequestError, match="token ids"):
            await planned({"prompt": prompt, **fields}, pipeline=pipeline)
