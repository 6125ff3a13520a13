"""Every field that OpenAI documents: honoured, ignored and told, or a 400 that names it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pytest
from openai.types import completion_create_params
from openai.types.chat import completion_create_params as chat_create_params
from starlette.responses import JSONResponse, Response

from bestofn import Pipeline, Request, RequestError, Settings
from bestofn.core.types import Endpoint
from bestofn.generators.openai import openai_generator
from bestofn.openai_api.documented_fields import (
    DOCUMENTED,
    IGNORED,
    OLDER,
    engine_fields,
    require_known,
)
from bestofn.selection.argmax import ArgmaxSelector
from bestofn.testing import FakeGenerator, FakeSampling
from bestofn_server.app import create_app
from bestofn_server.wire.field_table import MODELS, Outcome, fields, outcome, table
from tests.support.scripts import pipeline_of
from tests.support.serving import ask, client_of, error_of
from tests.support.upstream import Upstream, running

CHAT = "/v1/chat/completions"
GUIDE = Path(__file__).parents[2] / "docs" / "guides" / "serve.md"
ENGINE = {*fields("chat/completions", "engine"), *fields("completions", "engine")}
USAGE = {"prompt_tokens": 1, "completion_tokens": 2}


class InProcess(FakeGenerator):
    """A fake engine in the process, with the fields of OpenAI's that vLLM has."""

    def sample(self, request: Request, indices: Sequence[int]) -> FakeSampling:
        require_known(request.options, ENGINE, "this engine")
        return super().sample(request, indices)

    def ignored(self, request: Request) -> Sequence[str]:
        return engine_fields(request.options, ENGINE)[1]


def test_the_table_is_in_the_guide() -> None:
    text = GUIDE.read_text(encoding="utf-8")
    assert table() in text, "print it: python -m bestofn_server.wire.field_table"


@pytest.mark.parametrize(
    ("endpoint", "documented"),
    [
        ("chat/completions", chat_create_params.CompletionCreateParamsBase),
        ("completions", completion_create_params.CompletionCreateParamsBase),
    ],
)
def test_the_table_has_every_field_that_the_openai_package_has(
    endpoint: Endpoint, documented: Any
) -> None:
    assert {*get_type_hints(documented), "stream"} == DOCUMENTED[endpoint]
    listed = [name for each in get_args(Outcome) for name in fields(endpoint, each)]
    assert sorted(listed) == sorted(DOCUMENTED[endpoint]), "each of them once"
    assert set(MODELS[endpoint].model_fields) - DOCUMENTED[endpoint] <= {"best_of", "bestofn"}


@pytest.mark.parametrize("field", sorted(IGNORED))
async def test_what_is_ignored_is_told(field: str) -> None:
    pipeline = Pipeline(InProcess(["good", "better"]), ArgmaxSelector())
    value: Any = ["text"] if field == "modalities" else "x"
    async with client_of(create_app(Settings(best_of=2), pipeline)) as client:
        told = await client.post(CHAT, json=ask(**{field: value}))
        null = await client.post(CHAT, json=ask(**{field: None}))
    assert told.status_code == null.status_code == 200
    assert field in " ".join(told.json()["bestofn"]["notes"])
    assert null.json()["bestofn"]["notes"] == []
    assert outcome("chat/completions", field) == "ignored"


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        *(({name: [{"name": "x"}]}, name) for name in sorted(OLDER)),
        ({"modalities": ["audio"]}, "modalities"),
        ({"no_such_field": 1}, "no_such_field"),
        ({"best_of": 65}, "best_of"),
        ({"max_completion_tokens": 2**30}, "max_completion_tokens"),
        ({"max_tokens": 2**30}, "max_tokens"),
        ({"temperature": 0, "n": 2}, "n"),
        ({"request_id": "mine"}, "request_id"),
        ({"echo": True}, "echo"),
    ],
)
async def test_what_is_refused_is_a_400_that_names_it(fields: dict[str, Any], param: str) -> None:
    pipeline = Pipeline(InProcess(["good"]), ArgmaxSelector())
    async with client_of(create_app(Settings(best_of=2), pipeline)) as client:
        response = await client.post(CHAT, json=ask(**fields))
    assert response.status_code == 400, response.text
    assert error_of(response)["param"] == param
    assert param.removesuffix("_completion_tokens") in error_of(response)["message"]


async def test_an_upstream_gets_every_field_but_bestofns_own() -> None:
    def script(body: dict[str, Any]) -> Response:
        message = {"role": "assistant", "content": "It is three."}
        choices = [{"index": 0, "message": message, "finish_reason": "stop"}]
        return JSONResponse({"choices": choices, "usage": USAGE})

    theirs = DOCUMENTED["chat/completions"] - MODELS["chat/completions"].model_fields.keys()
    sent: dict[str, Any] = {name: f"<{name}>" for name in sorted(theirs)}
    sent["tools"] = [{"type": "<tools>"}]  # a list of objects is asked for, whatever is in them
    with running(Upstream(script)) as stub:
        async with openai_generator(stub.url) as generator:
            pipeline = Pipeline(generator, ArgmaxSelector())
            async with client_of(create_app(Settings(best_of=2), pipeline)) as client:
                for best_of in (1, 2):
                    response = await client.post(CHAT, json=ask(best_of=best_of, **sent))
                    assert response.status_code == 200, response.text
    for body in stub.bodies:
        assert {name: body[name] for name in sent} == sent


@pytest.mark.parametrize(("said", "param"), [("logit_bias", "logit_bias"), ("secret", None)])
async def test_a_field_that_an_upstream_names_is_the_errors(said: str, param: str | None) -> None:
    def script(body: dict[str, Any]) -> Response:
        return JSONResponse({"error": {"message": "it is wrong", "param": said}}, 400)

    with running(Upstream(script)) as stub:
        async with openai_generator(stub.url) as generator:
            pipeline = Pipeline(generator, ArgmaxSelector())
            async with client_of(create_app(Settings(best_of=2), pipeline)) as client:
                for best_of in (1, 2):
                    body = ask(logit_bias={"1": 5}, best_of=best_of)
                    response = await client.post(CHAT, json=body)
                    assert (response.status_code, error_of(response)["param"]) == (400, param)


@pytest.mark.parametrize("continuous", [None, False, True])
async def test_continuous_usage_is_in_every_chunk(continuous: bool | None) -> None:
    pipeline, _, _ = pipeline_of(["good", "better"])
    options = {"include_usage": True, "include_obfuscation": True}
    options |= {} if continuous is None else {"continuous_usage_stats": continuous}
    async with client_of(create_app(Settings(best_of=2), pipeline)) as client:
        body = ask(stream=True, stream_options=options)
        lines = (await client.post(CHAT, json=body)).text.splitlines()
    chunks = [json.loads(line[6:]) for line in lines if line.startswith("data: {")]
    whole = chunks[-1]["usage"]
    assert whole["completion_tokens"] == 2
    assert [each["usage"] for each in chunks[:-1]] == [whole if continuous else None] * 3


def test_an_error_keeps_its_field_when_it_is_pickled() -> None:
    import pickle

    again = pickle.loads(pickle.dumps(RequestError("n is 9", param="n")))
    assert (str(again), again.param) == ("n is 9", "n")
