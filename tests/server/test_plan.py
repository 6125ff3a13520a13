"""From a request's body to what is run: defaults, profiles, filters, and all that is refused."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from bestofn import ConfigError, Pipeline, Policy, RequestError, Settings
from bestofn.build import FILTERS, build_filters
from bestofn.filters.length import LengthFilter
from bestofn.sections import FilterSpec
from bestofn.selection.argmax import ArgmaxSelector
from bestofn.testing import FakeCompletion, FakeGenerator, FakeRewardModel
from bestofn_server.app import create_app
from bestofn_server.errors import ModelNotFoundError
from bestofn_server.plan import ONLY_ALONE, OPEN_FILTERS, Job, plan
from bestofn_server.presets import Presets
from bestofn_server.wire.requests import ChatRequest, CompletionRequest
from tests.scripts import CUT, pipeline_of
from tests.server.forwarding import ForwardingGenerator
from tests.server.serving import ask, client_of

PATTERN = FilterSpec(name="pattern", options={"must_not_match": "secret"})
SET_UP = [FilterSpec(name="truncation"), PATTERN]
PROFILES: Any = {
    "all": {
        "model": "a-lora",
        "best_of": 3,
        "temperature": 0.5,
        "max_tokens": 30,
        "seed": 9,
        "filters": ["empty", {"length": {"max_tokens": 20}}],
        "selection": {"name": "argmax", "options": {"tolerance": 0.5}},
        "policy": {"on_exhausted": "error", "deadline_seconds": 2},
    },
    "bare": {},
    "greedy": {"temperature": 0},
}


def _settings(**fields: Any) -> Settings:
    return Settings(**{"best_of": 8, "profiles": PROFILES, **fields})


def _pipeline(generator: FakeGenerator | None = None) -> Pipeline:
    return Pipeline(
        generator or FakeGenerator(["good"]),
        ArgmaxSelector(),
        build_filters(SET_UP),
        FakeRewardModel({"good": 1.0}),
        Policy("best_rejected", deadline_seconds=60),
    )


async def _planned(
    body: dict[str, Any], settings: Settings | None = None, pipeline: Pipeline | None = None
) -> Job:
    settings, pipeline = settings or _settings(), pipeline or _pipeline()
    presets = await Presets.load(settings, pipeline)
    kind = CompletionRequest if "prompt" in body else ChatRequest
    request = kind.model_validate(body)
    return plan(request, await presets.named(request.model), settings.server)


@pytest.fixture(scope="module")
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(create_app(_settings(), _pipeline())) as made:
        yield made


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
    (request,) = (await _planned(ask(**fields))).requests
    assert (request.best_of, request.n) == (best_of, n)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"best_of": 2, "n": 3}, "n is 3, which is more than best_of (2)"),
        ({"best_of": 65}, "best_of is 65; this server takes at most 64"),
        ({"n": 65}, "best_of is 65; this server takes at most 64"),
        ({"best_of": 0}, "best_of: Input should be greater than or equal to 1"),
        ({"n": "3"}, "n: Input should be a valid integer"),
        ({"temperature": 0, "n": 2}, "temperature 0 makes all candidates equal"),
        ({"temperature": 2.5}, "temperature: Input should be less than or equal to 2"),
        ({"model": "greedy", "n": 2}, "temperature 0 makes all candidates equal"),
        ({"stream_options": {"include_usage": True}}, "stream_options is given, and stream is"),
        ({"max_tokens": 5, "max_completion_tokens": 6}, "max_tokens and max_completion_tokens"),
        ({"messages": []}, "messages: List should have at least 1 item"),
        ({"request_id": "mine"}, "request_id: send it as the header X-Request-Id"),
        *(({name: True}, f"{name}: taken with best_of 1 only") for name in sorted(ONLY_ALONE)),
        ({"echo": True, "use_beam_search": True}, "echo, use_beam_search: taken with best_of 1"),
        ({"bestofn": {"colour": "red"}}, "bestofn.colour: Extra inputs are not permitted"),
        ({"bestofn": {"max_rounds": 9}}, "bestofn.max_rounds: Input should be less than"),
        ({"bestofn": {"deadline_ms": 0}}, "bestofn.deadline_ms: Input should be greater than"),
        ({"bestofn": {"on_exhausted": "panic"}}, "bestofn.on_exhausted: Input should be"),
        ({"bestofn": {"return_candidates": "all"}}, "bestofn.return_candidates: Input should be"),
        ({"bestofn": {"selection": {"name": "best"}}}, "no selector is called 'best'"),
        ({"bestofn": {"filters": ["none"]}}, "a request cannot set up the filter none"),
        ({"bestofn": {"filters": [{"custom": {"path": "os:getcwd"}}]}}, "set up the filter custom"),
        ({"bestofn": {"filters": ["json_schema"]}}, "a request cannot set up the filter json"),
        ({"bestofn": {"filters": [PATTERN.model_dump()]}}, "cannot set up the filter pattern"),
        ({"bestofn": {"filters": [{"length": {"most": 1}}]}}, "filter length: got an unexpected"),
        ({"bestofn": {"filters": [{"language": {"allowed": [5]}}]}}, "filter language: 'int'"),
    ],
)
async def test_what_is_wrong_is_a_400_that_says_so(
    client: httpx.AsyncClient, fields: dict[str, Any], message: str
) -> None:
    response = await client.post("/v1/chat/completions", json=ask(**fields))
    assert response.status_code == 400, response.text
    error = response.json()["error"]
    assert message in error["message"]
    assert error["type"] == "invalid_request_error"
    if ": Input should" in message or ": Extra" in message:
        assert error["param"] == message.partition(":")[0]
    assert error["code"] == ("unknown_parameter" if "Extra" in message else "invalid_value")


async def test_a_missing_field_and_no_json_have_codes_of_their_own(
    client: httpx.AsyncClient,
) -> None:
    for path, field in (("chat/completions", "messages"), ("completions", "prompt")):
        missing = (await client.post(f"/v1/{path}", json={"n": 1})).json()["error"]
        assert (missing["param"], missing["code"]) == (field, "missing_required_parameter")
    content, kind = b'{"messages": [', {"content-type": "application/json"}
    broken = await client.post("/v1/chat/completions", content=content, headers=kind)
    assert (broken.status_code, broken.json()["error"]["code"]) == (400, "invalid_json")


async def test_an_unknown_model_is_a_404(client: httpx.AsyncClient) -> None:
    answers = [
        await client.post("/v1/chat/completions", json=ask(model="none such")),
        await client.post("/v1/completions", json={"prompt": "What?", "model": "none such"}),
        await client.get("/v1/models/none such"),
    ]
    for response in answers:
        assert response.status_code == 404
        error = response.json()["error"]
        assert (error["code"], error["param"]) == ("model_not_found", "model")
        assert "'none such'" in error["message"]


async def test_the_engine_gets_what_bestofn_does_not_own() -> None:
    fields = {"top_p": 0.5, "stop": ["x"], "tools": [{"type": "function"}], "echo": False}
    sampling = {"temperature": 0.7, "max_completion_tokens": 5, "seed": 3}
    (request,) = (await _planned(ask(**fields, **sampling))).requests
    assert request.options == fields
    assert (request.temperature, request.max_tokens, request.seed) == (0.7, 5, 3)
    assert (request.raw, request.endpoint) == (False, "chat/completions")
    assert request.messages == ({"role": "user", "content": "What?"},)


async def test_each_prompt_is_a_request_of_its_own() -> None:
    job = await _planned({"prompt": ["one", "two"], "best_of": 3, "n": 2, "max_tokens": 10})
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
    assert (await _planned(ask(**fields))).tokens == tokens


async def test_a_profile_says_what_the_request_does_not() -> None:
    pipeline = _pipeline()
    job = await _planned(ask(model="all"), pipeline=pipeline)
    (request,) = job.requests
    assert job.model == "all"
    assert request.options == {"model": "a-lora"}
    assert (request.temperature, request.max_tokens, request.seed) == (0.5, 30, 9)
    assert [each.name for each in job.pipeline.filters] == ["empty", "length"]
    assert job.pipeline.filters[1] == LengthFilter(max_tokens=20)
    assert job.pipeline.selector == ArgmaxSelector(tolerance=0.5)
    assert job.pipeline.policy == Policy("error", deadline_seconds=2)
    assert job.pipeline.generator is pipeline.generator
    assert job.pipeline.reward_model is pipeline.reward_model


async def test_a_request_says_otherwise_than_its_profile() -> None:
    own = {"filters": ["truncation"], "selection": {"name": "argmax"}, "on_exhausted": "resample"}
    job = await _planned(ask(model="all", temperature=0.0, max_tokens=4, seed=1, bestofn=own))
    (request,) = job.requests
    assert (request.temperature, request.max_tokens, request.seed) == (0.0, 4, 1)
    assert [each.name for each in job.pipeline.filters] == ["truncation"]
    assert job.pipeline.selector == ArgmaxSelector()
    assert job.pipeline.policy == Policy("resample", deadline_seconds=2)


async def test_what_a_profile_leaves_out_is_as_in_the_settings() -> None:
    settings, pipeline = _settings(temperature=0.3, max_tokens=11, seed=2), _pipeline()
    for name in ("bare", None):
        job = await _planned(ask(model=name), settings, pipeline)
        (request,) = job.requests
        assert (request.temperature, request.max_tokens, request.seed) == (0.3, 11, 2)
        assert request.options == {}
        assert job.pipeline == pipeline


@pytest.mark.parametrize(
    ("profiles", "said"),
    [
        ({"base": {}}, "profile base: the model itself has that name"),
        ({"odd": {"filters": ["none"]}}, "profile odd: no filter is called 'none'"),
        ({"odd": {"selection": {"name": "none"}}}, "profile odd: no selector is called 'none'"),
    ],
)
async def test_a_wrong_profile_is_an_error_at_the_start(profiles: Any, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        await Presets.load(_settings(profiles=profiles), _pipeline(ForwardingGenerator()))


async def test_a_profile_is_listed_and_is_the_model_of_its_answers(
    client: httpx.AsyncClient,
) -> None:
    listed = (await client.get("/v1/models")).json()["data"]
    assert [model["id"] for model in listed] == ["bestofn-embedded", "all", "bare", "greedy"]
    assert [model.get("parent") for model in listed] == [None, "a-lora", *["bestofn-embedded"] * 2]
    assert (await client.get("/v1/models/all")).json() == listed[1]
    response = await client.post("/v1/chat/completions", json=ask(model="bare"))
    assert (response.json()["model"], response.json()["bestofn"]["best_of"]) == ("bare", 8)


async def test_a_model_that_was_loaded_since_is_found() -> None:
    generator = ForwardingGenerator(served=["base"])
    presets = await Presets.load(_settings(), _pipeline(generator))
    assert (await presets.named(None)).name == "base"
    with pytest.raises(ModelNotFoundError):
        await presets.named("new-lora")
    generator.served.append("new-lora")
    preset = await presets.named("new-lora")
    assert (preset.name, preset.model, preset.best_of) == ("new-lora", "new-lora", 8)


async def test_the_policy_is_changed_only_where_the_request_says_so() -> None:
    policies = {
        ("on_exhausted", "error"): Policy("error", deadline_seconds=60),
        ("max_rounds", 5): Policy("best_rejected", max_rounds=5, deadline_seconds=60),
        ("deadline_ms", 250): Policy("best_rejected", deadline_seconds=0.25),
        ("return_candidates", "full"): Policy("best_rejected", deadline_seconds=60),
    }
    for (name, value), policy in policies.items():
        job = await _planned(ask(bestofn={name: value}))
        assert job.pipeline.policy == policy


def test_filters_that_run_code_or_expressions_are_the_operators() -> None:
    assert FILTERS.keys() - OPEN_FILTERS == {"custom", "json_schema", "pattern"}


async def test_a_request_sets_up_open_filters_once_each() -> None:
    chosen = [{"length": {"max_tokens": 3}}, "language", "empty", "repetition", "truncation"]
    first = (await _planned(ask(bestofn={"filters": chosen}))).pipeline.filters
    again = (await _planned(ask(bestofn={"filters": chosen}))).pipeline.filters
    assert {each.name for each in first} == OPEN_FILTERS
    assert first[0] == LengthFilter(max_tokens=3)
    assert all(one is other for one, other in zip(first, again, strict=True))
    assert (await _planned(ask(bestofn={"filters": []}))).pipeline.filters == []


async def test_a_request_names_what_the_operator_has_set_up() -> None:
    pipeline = _pipeline()
    job = await _planned(ask(bestofn={"filters": ["pattern"]}), pipeline=pipeline)
    (chosen,) = job.pipeline.filters
    assert chosen is pipeline.filters[1]
    with pytest.raises(RequestError, match="cannot set up the filter pattern"):
        await _planned(ask(model="all", bestofn={"filters": ["pattern"]}), pipeline=pipeline)


async def test_one_candidate_is_left_to_the_engine_itself() -> None:
    pipeline = _pipeline(ForwardingGenerator())
    settings = _settings(temperature=0.3, max_tokens=11, profiles={"lora": {"model": "a-lora"}})
    own = ask(best_of=1, n=1, echo=True, top_p=None, temperature=None)
    job = await _planned(own, settings, pipeline)
    assert job.requests == ()
    assert job.forward == {**ask(), "n": 1, "echo": True, "top_p": None} | {
        "temperature": 0.3,
        "max_tokens": 11,
    }
    own = ask(best_of=1, model="lora", temperature=0.9, max_completion_tokens=4, stream=True)
    job = await _planned(own, settings, pipeline)
    assert (job.model, job.stream, job.tokens) == ("lora", True, 4)
    assert job.forward == ask(model="a-lora", temperature=0.9, max_completion_tokens=4, stream=True)
    for ranked in (ask(best_of=1, bestofn={}), ask(best_of=2)):
        assert (await _planned(ranked, settings, pipeline)).forward is None
    assert (await _planned(ask(best_of=1), settings)).forward is None


@pytest.mark.parametrize("prompt", [[1, 2, 3], [[1, 2], [3]]])
async def test_token_ids_are_left_to_the_engine_or_refused(prompt: Any) -> None:
    forwarding = _pipeline(ForwardingGenerator())
    job = await _planned({"prompt": prompt, "best_of": 1}, pipeline=forwarding)
    assert (job.requests, job.endpoint) == ((), "completions")
    assert job.forward == {"prompt": prompt}
    refused: list[tuple[dict[str, Any], Pipeline]] = [
        ({"best_of": 2}, forwarding),
        ({}, forwarding),
        ({"best_of": 1, "bestofn": {}}, forwarding),
        ({"best_of": 1}, _pipeline()),
    ]
    for fields, pipeline in refused:
        with pytest.raises(RequestError, match="token ids"):
            await _planned({"prompt": prompt, **fields}, pipeline=pipeline)


async def _candidates(detail: str) -> Any:
    script = ["good", "better", CUT, FakeCompletion(error="out of memory")]
    pipeline, _, _ = pipeline_of(script)
    async with client_of(create_app(Settings(best_of=4), pipeline)) as client:
        body = ask(seed=5, n=2, bestofn={"return_candidates": detail})
        report = (await client.post("/v1/chat/completions", json=body)).json()["bestofn"]
    assert report["returned"] == [
        {"candidate": 1, "reward": 2.0, "finish_reason": "stop"},
        {"candidate": 0, "reward": 1.0, "finish_reason": "stop"},
    ]
    assert (report["rewards"], report["winner"]) == ([2.0, 1.0], 1)
    assert (report["rejected"], report["failed"]) == ({"length": 1}, {"generation_error": 1})
    return report["candidates"]


async def test_candidates_are_told_as_far_as_was_asked() -> None:
    assert await _candidates("none") is None
    cut = {"filter": "cut", "reason": "length", "detail": "it did not end"}
    failure = {"reason": "generation_error", "detail": "out of memory"}
    rows: list[tuple[Any, ...]] = [
        (1, 1, 2.0, "stop", 1, 6, [], None),
        (0, 2, 1.0, "stop", 1, 5, [], None),
        (2, None, None, "length", 1, 7, [cut], None),
        (3, None, None, "error", 0, 8, [], failure),
    ]
    names = ["index", "rank", "reward", "finish_reason", "completion_tokens", "seed"]
    names += ["rejections", "failure"]
    hidden = {"text": None, "message": None}
    summary = [{**dict(zip(names, row, strict=True)), **hidden} for row in rows]
    assert await _candidates("summary") == summary
    texts = ["better", "good", "cut", ""]
    assert await _candidates("full") == [
        {**each, "text": text, "message": {"role": "assistant", "content": text}}
        for each, text in zip(summary, texts, strict=True)
    ]
