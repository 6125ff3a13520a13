"""The unmodified openai client against all three ways in: engine, upstream, plug-in."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import anthropic
import openai
import pytest
from tokenizers import Tokenizer

from bestofn import Pipeline, Settings, embedded
from bestofn_server.app import create_app
from tests.support.serving import serving

pytestmark = pytest.mark.engine
_SLOW = pytest.mark.slow  # a second engine
URLS = [pytest.param(each, marks=_SLOW) for each in ("upstream_url", "vllm_server_with_plugin")]
QUESTION: Any = [{"role": "user", "content": "What is 8 - 5?"}]
TOOL: Any = {
    "type": "function",
    "function": {
        "name": "answer",
        "strict": True,
        "parameters": {
            "type": "object",
            "properties": {"value": {"enum": ["left", "right"]}},
            "required": ["value"],
            "additionalProperties": False,
        },
    },
}


@pytest.fixture(scope="session")
async def engine_url(pipeline: Pipeline) -> AsyncIterator[str]:
    async with serving(create_app(Settings(engine="vllm"), pipeline)) as url:
        yield url


@pytest.fixture(scope="session")
async def upstream_url(vllm_server: str) -> AsyncIterator[str]:
    settings = Settings(upstream=vllm_server, reward_model=str(embedded.reward_path()))
    async with serving(create_app(settings)) as url:
        yield url


@pytest.fixture(params=["engine_url", *URLS])
def url(request: pytest.FixtureRequest) -> str:
    return str(request.getfixturevalue(request.param))


@pytest.fixture
async def client(url: str) -> AsyncIterator[openai.AsyncOpenAI]:
    async with openai.AsyncOpenAI(
        base_url=f"{url}/v1", api_key="secret", max_retries=0, timeout=60
    ) as made:
        yield made


def _options(**fields: Any) -> dict[str, Any]:
    return {"model": embedded.NAME, "messages": QUESTION, "seed": 1, **fields}


async def test_three_of_eight_come_back_ranked(client: openai.AsyncOpenAI) -> None:
    own = {"return_candidates": "full", "selector": "argmax"}
    asked = _options(n=3, extra_body={"best_of": 8, "bestofn": own})
    response = await client.chat.completions.create(**asked)
    report = response.model_extra and response.model_extra["bestofn"]
    assert report is not None
    assert [choice.index for choice in response.choices] == list(range(len(response.choices)))
    assert 1 <= len(response.choices) <= 3
    assert (report["best_of"], report["sampled"], len(report["candidates"])) == (8, 8, 8)
    assert report["rewards"] == sorted(report["rewards"], reverse=True)
    texts = {each["index"]: each["text"] for each in report["candidates"]}
    for choice, returned in zip(response.choices, report["returned"], strict=True):
        assert choice.message.content == texts[returned["candidate"]]
        assert choice.finish_reason == "stop"
    assert report["accepted"] + sum(1 for c in report["candidates"] if c["rejections"]) == 8
    sampled = sum(each["completion_tokens"] for each in report["candidates"])
    assert response.usage is not None
    assert response.usage.completion_tokens == sampled == report["tokens"]["all_candidates"]


async def test_the_sync_client_gets_the_same(client: openai.AsyncOpenAI) -> None:
    def ask() -> Any:
        with openai.OpenAI(base_url=client.base_url, api_key="secret", max_retries=0) as plain:
            return plain.chat.completions.create(**_options())

    first = await asyncio.to_thread(ask)
    second = await client.chat.completions.create(**_options())
    assert first.choices[0].message.content
    assert first.choices[0].message == second.choices[0].message


async def test_the_winner_streams_as_ordinary_chunks(client: openai.AsyncOpenAI) -> None:
    whole = await client.chat.completions.create(**_options())
    usage: Any = {"include_usage": True}
    stream = await client.chat.completions.create(**_options(), stream=True, stream_options=usage)
    chunks = [chunk async for chunk in stream]
    text = "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
    assert text == whole.choices[0].message.content
    assert chunks[0].choices[0].delta.role == "assistant"
    reasons = [c.choices[0].finish_reason for c in chunks if c.choices]
    assert reasons[-1] == "stop"
    assert set(reasons[:-1]) == {None}
    assert chunks[-1].choices == []
    assert chunks[-1].usage == whole.usage
    assert all(chunk.usage is None for chunk in chunks[:-1])


async def test_best_of_one_is_really_streamed(client: openai.AsyncOpenAI) -> None:
    asked = _options(extra_body={"best_of": 1})
    stream = await client.chat.completions.create(**asked, stream=True)
    chunks = [chunk async for chunk in stream]
    spoken = [c for c in chunks if c.choices and c.choices[0].delta.content]
    assert len(spoken) > 3
    whole = await client.chat.completions.create(**asked)
    assert "bestofn" not in (whole.model_extra or {})
    text = "".join(c.choices[0].delta.content or "" for c in spoken)
    assert whole.choices[0].message.content == text


async def test_a_tool_is_called(client: openai.AsyncOpenAI) -> None:
    choice: Any = {"type": "function", "function": {"name": "answer"}}
    tokenizer = Tokenizer.from_file(str(embedded.generator_path() / "tokenizer.json"))
    ids = range(tokenizer.get_vocab_size())
    blanks = {str(token): -100 for token in ids if tokenizer.decode([token]).isspace()}
    # so small a model would fill its JSON with blanks
    asked = _options(tools=[TOOL], tool_choice=choice, max_tokens=90, logit_bias=blanks)
    response = await client.chat.completions.create(**asked)
    (call,) = response.choices[0].message.tool_calls or []
    assert call.type == "function"
    assert call.function.name == "answer"
    assert json.loads(call.function.arguments).keys() == {"value"}
    stream = await client.chat.completions.create(**asked, stream=True)
    deltas = [c.choices[0].delta async for c in stream if c.choices]
    (streamed,) = [call for delta in deltas for call in delta.tool_calls or []]
    assert streamed.function is not None
    assert streamed.function.arguments == call.function.arguments


async def test_a_schema_is_kept_to(client: openai.AsyncOpenAI) -> None:
    schema = {"name": "answer", "schema": TOOL["function"]["parameters"], "strict": True}
    response = await client.chat.completions.create(
        **_options(response_format={"type": "json_schema", "json_schema": schema})
    )
    assert json.loads(response.choices[0].message.content or "").keys() == {"value"}


async def test_logprobs_belong_to_the_returned_choice(client: openai.AsyncOpenAI) -> None:
    response = await client.chat.completions.create(**_options(logprobs=True, top_logprobs=2))
    (choice,) = response.choices
    assert choice.logprobs is not None
    tokens = choice.logprobs.content or []
    assert "".join(token.token for token in tokens).startswith(choice.message.content or "?")
    assert all(len(token.top_logprobs) == 2 for token in tokens)
    stream = await client.chat.completions.create(
        **_options(logprobs=True, top_logprobs=2), stream=True
    )
    streamed = [c.choices[0].logprobs async for c in stream if c.choices]
    assert [each.content for each in streamed if each] == [tokens]


async def test_a_text_is_continued(client: openai.AsyncOpenAI) -> None:
    response = await client.completions.create(
        model=embedded.NAME,
        prompt="What is 8",
        best_of=4,
        n=2,
        max_tokens=12,
        seed=3,
        extra_body={"bestofn": {"filters": []}},
    )
    assert [choice.index for choice in response.choices] == [0, 1]
    assert all(choice.text for choice in response.choices)
    assert response.usage is not None
    assert 4 <= response.usage.completion_tokens <= 48


async def test_all_surfaces_choose_the_same_winner(client: openai.AsyncOpenAI, url: str) -> None:
    chat = await client.chat.completions.create(**_options(max_tokens=64))
    expected = chat.choices[0].message.content
    response = await client.responses.create(
        model=embedded.NAME, input=QUESTION, max_output_tokens=64, extra_body={"seed": 1}
    )
    assert response.output_text == expected
    async with client.responses.stream(
        model=embedded.NAME, input=QUESTION, max_output_tokens=64, extra_body={"seed": 1}
    ) as stream:
        assert (await stream.get_final_response()).output_text == expected
    asked: Any = {"model": embedded.NAME, "max_tokens": 64, "messages": QUESTION}
    async with anthropic.AsyncAnthropic(base_url=url, api_key="secret", max_retries=0) as claude:
        message = await claude.messages.create(**asked, extra_body={"seed": 1})
        async with claude.messages.stream(**asked, extra_body={"seed": 1}) as told:
            streamed = (await told.get_final_message()).content
        assert [block.to_dict().get("text") for block in streamed] == [
            block.to_dict().get("text") for block in message.content
        ]
        counted = await claude.messages.count_tokens(model=embedded.NAME, messages=QUESTION)
    (block,) = message.content
    assert block.type == "text"
    assert block.text == expected
    assert chat.usage is not None
    assert counted.input_tokens == message.usage.input_tokens == chat.usage.prompt_tokens


async def test_best_of_one_is_really_streamed_on_every_surface(
    client: openai.AsyncOpenAI, url: str
) -> None:
    asked: Any = {"model": embedded.NAME, "max_tokens": 64, "messages": QUESTION}
    body = {"seed": 1, "best_of": 1}
    stream = await client.responses.create(
        model=embedded.NAME, input=QUESTION, max_output_tokens=64, extra_body=body, stream=True
    )
    deltas = [event.delta async for event in stream if event.type == "response.output_text.delta"]
    assert len(deltas) > 3
    async with (
        anthropic.AsyncAnthropic(base_url=url, api_key="secret", max_retries=0) as claude,
        claude.messages.stream(**asked, extra_body=body) as told,
    ):
        parts = [text async for text in told.text_stream]
    assert len(parts) > 3
    assert "".join(parts) == "".join(deltas)  # a busy engine puts tokens together


async def test_several_turns_and_a_stop_string(client: openai.AsyncOpenAI) -> None:
    turns: Any = [
        {"role": "system", "content": "Be brief."},
        *QUESTION,
        {"role": "assistant", "content": "3"},
        {"role": "user", "content": "What is 2 + 2?"},
    ]
    response = await client.chat.completions.create(**_options(messages=turns, stop=["4"]))
    assert "4" not in (response.choices[0].message.content or "")


async def test_profiles_are_models(client: openai.AsyncOpenAI) -> None:
    models = [model.id async for model in client.models.list()]
    assert models[0] == embedded.NAME
    if "best-of-2" in models:  # the plug-in's configuration
        response = await client.chat.completions.create(model="best-of-2", messages=QUESTION)
        assert response.model == "best-of-2"
        assert (response.model_extra or {})["bestofn"]["best_of"] == 2
    with pytest.raises(openai.NotFoundError):
        await client.chat.completions.create(model="none such", messages=QUESTION)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"n": 3, "extra_body": {"best_of": 2}}, "best_of"),
        ({"extra_body": {"best_of": 1000}}, "best_of is 1000"),
        ({"extra_body": {"bestofn": {"colour": "red"}}}, r"bestofn\.colour"),
        ({"top_p": 7}, "top_p"),
        ({"extra_body": {"bestofn": {"filters": [{"custom": {"path": "os:system"}}]}}}, "custom"),
        ({"messages": [{"role": "user", "content": "word " * 2000}]}, "context|token"),
    ],
)
async def test_what_is_wrong_is_a_400_in_one_sentence(
    client: openai.AsyncOpenAI, fields: dict[str, Any], message: str
) -> None:
    with pytest.raises(openai.BadRequestError, match=message) as caught:
        await client.chat.completions.create(**_options(**fields))
    assert isinstance(caught.value.body, dict)
    assert caught.value.body["type"] == "invalid_request_error"


async def test_rewards_are_those_of_the_python_api(
    client: openai.AsyncOpenAI, pipeline: Pipeline
) -> None:
    asked = _options(extra_body={"bestofn": {"return_candidates": "full"}})
    response = await client.chat.completions.create(**asked)
    report = (response.model_extra or {})["bestofn"]
    texts = [{"text": c["text"], "finish_reason": c["finish_reason"]} for c in report["candidates"]]
    body: Any = {"prompt": QUESTION[0]["content"], "responses": texts}
    scored = await client.post("/rewards", body=body, cast_to=dict[str, Any])
    assert scored["ranking"][0] == 0  # the candidates are listed best first
    for candidate, item in zip(report["candidates"], scored["data"], strict=True):
        assert item["reward"] == pytest.approx(candidate["reward"], abs=1e-5)


async def test_a_loglikelihood_is_the_engines_own(client: openai.AsyncOpenAI) -> None:
    """As lm-eval asks for it: tokens, echoed, with their log-probabilities."""
    ids = [[5, 9, 17, 33], [40, 41]]
    raw = await client.completions.with_raw_response.create(
        model=embedded.NAME, prompt=ids, echo=True, max_tokens=1, logprobs=1, temperature=0, seed=1
    )
    assert raw.headers["x-bestofn-nothing-to-choose"] == "prompt"
    answer = raw.parse()
    assert [choice.index for choice in answer.choices] == [0, 1]
    for choice, given in zip(answer.choices, ids, strict=True):
        assert choice.logprobs is not None
        values: Any = choice.logprobs.token_logprobs
        assert values[0] is None
        assert len(values) == len(given) + 1
        assert all(value <= 0 for value in values[1:])
