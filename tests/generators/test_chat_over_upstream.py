"""Chats rendered here for an upstream without a chat template: what it is sent, what comes back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from starlette.responses import JSONResponse, Response

from bestofn import Pipeline
from bestofn.core.best_of_n import best_of_n
from bestofn.core.errors import RequestError
from bestofn.core.types import Request
from bestofn.generators.openai import openai_generator
from bestofn.selection.consensus import ConsensusSelector
from tests.support.upstream import Upstream, running

QUESTION = "天空是什么颜色？"
ONE = ({"role": "user", "content": f" {QUESTION}\n"},)
TURNS = (*ONE, {"role": "assistant", "content": "蓝色。"}, {"role": "user", "content": "谢谢"})
FIRST = f"<human>:{QUESTION}\n<bot>:"


def _completions(body: dict[str, Any]) -> Response:
    """Raw completions with logprobs, whole or as a stream."""
    if "messages" in body:
        return JSONResponse({"error": {"message": "no chat template is here"}}, 400)
    logprobs = {"tokens": ["蓝", "色"], "token_logprobs": [-0.5, -1.5], "top_logprobs": None}
    choices = [
        {
            "index": at,
            "text": f"蓝色{at}",
            "finish_reason": "stop",
            "logprobs": logprobs if body.get("logprobs") else None,
        }
        for at in range(body.get("n") or 1)
    ]
    answer = {"id": "x", "object": "text_completion", "created": 0, "choices": choices}
    if body.get("stream"):
        events = f"data: {json.dumps(answer)}\n\ndata: [DONE]\n\n"
        return Response(events, media_type="text/event-stream")
    return JSONResponse({**answer, "usage": {"prompt_tokens": 9, "completion_tokens": 4}})


@pytest.fixture
def stub() -> Iterator[Upstream]:
    with running(Upstream(_completions, models=["Ziya-LLaMA-13B-v1"])) as upstream:
        yield upstream


async def test_an_upstream_is_sent_the_form_as_a_raw_completion(stub: Upstream) -> None:
    async with openai_generator(stub.url) as generator:
        pipeline = Pipeline(generator, ConsensusSelector())
        request = Request(TURNS, best_of=3, max_tokens=5, options={"top_p": 0.9})
        ranking = await best_of_n(request, pipeline)
    assert stub.paths == ["/v1/completions"]
    assert stub.bodies[0]["prompt"] == f"{FIRST}蓝色。</s><human>:谢谢\n<bot>:"
    assert stub.bodies[0]["max_tokens"] == 5
    assert stub.bodies[0]["top_p"] == 0.9
    assert stub.bodies[0].keys().isdisjoint({"messages", "max_completion_tokens"})
    assert {each.candidate.text for each in ranking.ranked} == {"蓝色0", "蓝色1", "蓝色2"}
    assert [each.candidate.mean_logprob for each in ranking.ranked] == [-1.0] * 3


@pytest.mark.parametrize(
    ("setting", "path"), [("ziya-13b", "/v1/completions"), ("none", "/v1/chat/completions")]
)
async def test_the_setting_goes_before_the_name(stub: Upstream, setting: str, path: str) -> None:
    async with openai_generator(stub.url, "some-name", chat_template=setting) as generator:
        sampling = generator.sample(Request(ONE, best_of=1), [0])
        if setting == "none":
            with pytest.raises(RequestError, match="it has no chat template; the setting"):
                await anext(aiter(sampling))
        else:
            assert (await anext(aiter(sampling))).text == "蓝色0"
        await sampling.aclose()
    assert stub.paths == [path]


async def test_what_is_passed_through_is_a_chat_again(stub: Upstream) -> None:
    body = {"messages": list(ONE), "logprobs": True, "max_completion_tokens": 5}
    async with openai_generator(stub.url) as generator:
        answer = await generator.answer("chat/completions", body)
        chunks = [each async for each in await generator.stream("chat/completions", body)]
        text = await generator.answer("completions", {"prompt": "a"})
    assert answer["choices"][0]["message"] == {"role": "assistant", "content": "蓝色0"}
    values = [each["logprob"] for each in answer["choices"][0]["logprobs"]["content"]]
    assert values == [-0.5, -1.5]
    assert chunks[0]["choices"][0]["delta"]["content"] == "蓝色0"
    assert chunks[0]["object"] == "chat.completion.chunk"
    assert text["choices"][0]["text"] == "蓝色0"
    assert [each["prompt"] for each in stub.bodies] == [FIRST, FIRST, "a"]


ASKS = "{{ messages[0].content }}{{ reasoning_effort }}{% if add_generation_prompt %}:{% endif %}"


async def test_fields_that_are_the_templates_own_are_its_variables_or_named(
    stub: Upstream,
) -> None:
    fields = {"reasoning_effort": "high", "add_generation_prompt": False}
    body = {"messages": [{"role": "user", "content": "a"}], "add_special_tokens": True, **fields}
    request = Request.from_prompt("a", options=fields)
    async with openai_generator(stub.url, chat_template=ASKS) as generator:
        await generator.answer("chat/completions", body)
        assert Pipeline(generator, ConsensusSelector()).without_effect(request) == ()
    assert stub.bodies[-1]["prompt"] == "ahigh"
    assert stub.bodies[-1]["add_special_tokens"] is True
    async with openai_generator(stub.url, chat_template="ziya-13b") as generator:
        await generator.answer("chat/completions", body)
        said = "without an effect on this engine: add_generation_prompt, reasoning_effort"
        assert Pipeline(generator, ConsensusSelector()).without_effect(request) == (said,)
        plain = Request.from_prompt("a", options={"reasoning_effort": "none"})
        assert generator.ignored(plain) == []
    assert stub.bodies[-1]["prompt"] == "<human>:a\n<bot>:"
    assert stub.bodies[-1].keys().isdisjoint(fields)


@pytest.mark.parametrize("variables", ["x", [1], 5])
async def test_variables_that_are_no_object_are_refused(stub: Upstream, variables: Any) -> None:
    body = {"messages": list(ONE), "chat_template_kwargs": variables}
    async with openai_generator(stub.url) as generator:
        with pytest.raises(RequestError, match="chat_template_kwargs: it must be an object"):
            await generator.answer("chat/completions", body)
