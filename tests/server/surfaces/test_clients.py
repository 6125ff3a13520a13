"""The unmodified `openai` and `anthropic` clients on both surfaces, over real sockets."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator
from typing import Any

import anthropic
import openai
import pytest
from pydantic import BaseModel, SecretStr

from bestofn import Policy, Settings
from bestofn.builders.pipeline import build_filters
from bestofn.settings.sections import FilterSpec, ServerSettings
from bestofn.testing import FakeCompletion, FakeGenerator
from bestofn_server.app import create_app
from tests.support.scripts import pipeline_of
from tests.support.serving import serving

KEY = "secret"
CALL = {
    "id": "call_1",
    "type": "function",
    "function": {"name": "weather", "arguments": '{"city": "Oslo"}'},
}
CUT_CALL = {**CALL, "function": {"name": "weather", "arguments": '{"city": "Os'}}
PARAMETERS: dict[str, Any] = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
    "additionalProperties": False,
}
TOOL: Any = {"type": "function", "name": "weather", "parameters": PARAMETERS, "strict": True}
CLAUDE_TOOL: Any = {"name": "weather", "description": "of a city", "input_schema": PARAMETERS}
ASK: Any = {"model": "m", "max_tokens": 64, "messages": [{"role": "user", "content": "What?"}]}


class City(BaseModel):
    """What structured output is read as."""

    city: str


def _scripted(request: Any, index: int) -> FakeCompletion:
    """Candidate 0 is cut, candidate 1 is whole; a tool is called where there is one."""
    if "response_format" in request.options:
        return (
            FakeCompletion('{"city": "Os', "length")
            if index == 0
            else FakeCompletion('{"city": "Oslo"}')
        )
    if "tools" in request.options and request.messages[-1]["role"] != "tool":
        message = {
            "role": "assistant",
            "content": None,
            "reasoning": "Hm.",
            "tool_calls": [CUT_CALL if index == 0 else CALL],
        }
        reason = "length" if index == 0 else "tool_calls"
        return FakeCompletion("", reason, message=message)
    return FakeCompletion("It is", "length") if index == 0 else FakeCompletion("It is sunny.")


@pytest.fixture(scope="module")
async def generator() -> FakeGenerator:
    return FakeGenerator(_scripted)


@pytest.fixture(scope="module")
async def url(generator: FakeGenerator) -> AsyncIterator[str]:
    specs = [FilterSpec(name=name) for name in ("empty", "truncation", "tool_calls")]
    pipeline = pipeline_of(
        generator,
        lambda request, candidate: float(len(candidate.text)),
        filters=build_filters(specs),
        policy=Policy("error"),
    )[0]
    keys = [SecretStr(f"somebody:{KEY}")]
    settings = Settings(best_of=2, model="m", server=ServerSettings(api_keys=keys))
    async with serving(create_app(settings, pipeline)) as where:
        yield where


@pytest.fixture(scope="module")
async def gpt(url: str) -> AsyncIterator[openai.AsyncOpenAI]:
    async with openai.AsyncOpenAI(base_url=f"{url}/v1", api_key=KEY, max_retries=0) as client:
        yield client


@pytest.fixture(scope="module")
async def claude(url: str) -> AsyncIterator[anthropic.AsyncAnthropic]:
    async with anthropic.AsyncAnthropic(base_url=url, api_key=KEY, max_retries=0) as client:
        yield client


async def test_a_response_is_the_winner(gpt: openai.AsyncOpenAI) -> None:
    response = await gpt.responses.create(
        model="m", input="What?", instructions="Be brief.", metadata={"a": "b"}, store=False
    )
    assert (response.output_text, response.status) == ("It is sunny.", "completed")
    assert (response.metadata, response.instructions) == ({"a": "b"}, "Be brief.")
    report = (response.model_extra or {})["bestofn"]
    assert (report["winner"], report["rejected"]) == (1, {"length": 1})
    assert response.usage is not None
    assert response.usage.output_tokens == 5  # of all candidates
    assert response._request_id


async def test_a_message_is_the_winner(claude: anthropic.AsyncAnthropic) -> None:
    message = await claude.messages.create(**ASK, system="Be brief.")
    (block,) = message.content
    assert block.type == "text"
    assert (block.text, message.stop_reason) == ("It is sunny.", "end_turn")
    assert (message.model_extra or {})["bestofn"]["winner"] == 1
    assert (message.usage.input_tokens, message.usage.output_tokens) == (1, 5)
    assert message._request_id


async def test_the_sync_clients_get_the_same(
    url: str, gpt: openai.AsyncOpenAI, claude: anthropic.AsyncAnthropic
) -> None:
    def ask() -> tuple[str, Any]:
        with (
            openai.OpenAI(base_url=f"{url}/v1", api_key=KEY, max_retries=0) as plain,
            anthropic.Anthropic(base_url=url, api_key=KEY, max_retries=0) as other,
        ):
            with other.messages.stream(**ASK) as stream:
                said = "".join(stream.text_stream)
            return plain.responses.create(model="m", input="What?").output_text, said

    assert await asyncio.to_thread(ask) == ("It is sunny.", "It is sunny.")


async def test_a_response_streams(gpt: openai.AsyncOpenAI) -> None:
    async with gpt.responses.stream(model="m", input="What?") as stream:
        kinds = [event.type async for event in stream]
        response = await stream.get_final_response()
    assert kinds == [
        "response.created",
        "response.in_progress",
        "response.output_item.added",
        "response.content_part.added",
        "response.output_text.delta",
        "response.output_text.done",
        "response.content_part.done",
        "response.output_item.done",
        "response.completed",
    ]
    assert response.output_text == "It is sunny."


async def test_a_message_streams(claude: anthropic.AsyncAnthropic) -> None:
    async with claude.messages.stream(**ASK) as stream:
        said = [text async for text in stream.text_stream]
        message = await stream.get_final_message()
    assert said == ["It is sunny."]
    assert message.stop_reason == "end_turn"
    assert (message.usage.input_tokens, message.usage.output_tokens) == (1, 5)


@pytest.mark.parametrize("streamed", [False, True])
async def test_a_tool_is_called_and_answered_in_a_response(
    gpt: openai.AsyncOpenAI, generator: FakeGenerator, streamed: bool
) -> None:
    asked: Any = {"model": "m", "tools": [TOOL]}
    if streamed:
        async with gpt.responses.stream(**asked, input="Weather?") as stream:
            response: Any = await stream.get_final_response()
    else:
        response = await gpt.responses.create(**asked, input="Weather?")
    thought, call = response.output
    assert (thought.type, thought.content[0].text) == ("reasoning", "Hm.")
    assert (call.name, call.arguments, call.call_id) == ("weather", '{"city": "Oslo"}', "call_1")
    turns: Any = [
        {"role": "user", "content": "Weather?"},
        *(item.to_dict() for item in response.output),
        {"type": "function_call_output", "call_id": call.call_id, "output": "sunny"},
    ]
    again = await gpt.responses.create(**asked, input=turns)
    assert again.output_text == "It is sunny."
    assert list(generator.requests[-1].messages) == [
        {"role": "user", "content": "Weather?"},
        {"role": "assistant", "content": None, "reasoning": "Hm.", "tool_calls": [CALL]},
        {"role": "tool", "tool_call_id": "call_1", "content": "sunny"},
    ]


@pytest.mark.parametrize("streamed", [False, True])
async def test_a_tool_is_called_and_answered_in_a_message(
    claude: anthropic.AsyncAnthropic, generator: FakeGenerator, streamed: bool
) -> None:
    asked = {**ASK, "tools": [CLAUDE_TOOL], "tool_choice": {"type": "any"}}
    if streamed:
        async with claude.messages.stream(**asked) as stream:
            message: Any = await stream.get_final_message()
    else:
        message = await claude.messages.create(**asked)
    thought, call = message.content
    assert (thought.type, thought.thinking) == ("thinking", "Hm.")
    assert (call.name, call.input, call.id) == ("weather", {"city": "Oslo"}, "call_1")
    assert message.stop_reason == "tool_use"
    turns = [
        {"role": "user", "content": "Weather?"},
        {"role": "assistant", "content": [block.to_dict() for block in message.content]},
        {
            "role": "user",
            "content": [
                {"type": "tool_result", "tool_use_id": "call_1", "content": "sunny"},
                {"type": "text", "text": "So?"},
            ],
        },
    ]
    again = await claude.messages.create(**{**asked, "messages": turns})
    assert generator.requests[-1].options["tool_choice"] == "required"
    assert [each["role"] for each in generator.requests[-1].messages] == [
        "user",
        "assistant",
        "tool",
        "user",
    ]
    assert again.stop_reason == "tool_use"  # the last turn is the user's again


async def test_structured_output_is_parsed_by_the_client(
    gpt: openai.AsyncOpenAI, claude: anthropic.AsyncAnthropic
) -> None:
    response = await gpt.responses.parse(model="m", input="Where?", text_format=City)
    assert response.output_parsed == City(city="Oslo")
    schema: Any = {"type": "json_schema", "schema": PARAMETERS}
    message = await claude.messages.create(**ASK, output_config={"format": schema})
    (block,) = message.content
    assert block.type == "text"
    assert City.model_validate_json(block.text) == City(city="Oslo")


async def test_the_tokens_of_a_conversation_are_counted(
    claude: anthropic.AsyncAnthropic, generator: FakeGenerator
) -> None:
    turns: Any = [{"role": "user", "content": "one two three"}]
    counted = await claude.messages.count_tokens(model="m", messages=turns, tools=[CLAUDE_TOOL])
    assert counted.input_tokens == 3
    request = generator.requests[-1]
    assert (request.best_of, request.max_tokens) == (1, 1)


async def test_the_tokens_of_an_input_are_counted(
    gpt: openai.AsyncOpenAI, generator: FakeGenerator
) -> None:
    asked: Any = {"model": "m", "instructions": "Be brief.", "tools": [TOOL]}
    turns: Any = [{"role": "user", "content": "one two three"}]
    counted = await gpt.responses.input_tokens.count(**asked, input=turns)
    assert (counted.input_tokens, counted.object) == (3, "response.input_tokens")
    request = generator.requests[-1]
    assert (request.best_of, request.max_tokens) == (1, 1)
    assert [each["role"] for each in request.messages] == ["system", "user"]
    assert request.options["tools"][0]["function"]["name"] == "weather"
    with pytest.raises(openai.BadRequestError, match="this server keeps no responses"):
        await gpt.responses.input_tokens.count(**asked, input=turns, previous_response_id="r")


async def test_a_picture_goes_to_the_engine_from_either(
    gpt: openai.AsyncOpenAI, claude: anthropic.AsyncAnthropic, generator: FakeGenerator
) -> None:
    data = base64.b64encode(b"picture").decode()
    source: Any = {"type": "base64", "media_type": "image/png", "data": data}
    turns: Any = [{"role": "user", "content": [{"type": "image", "source": source}]}]
    await claude.messages.create(**{**ASK, "messages": turns})
    (message,) = generator.requests[-1].messages
    (part,) = message["content"]
    assert part == {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{data}"}}
    image: Any = {"type": "input_image", "image_url": part["image_url"]["url"]}
    await gpt.responses.create(model="m", input=[{"role": "user", "content": [image]}])
    (message,) = generator.requests[-1].messages
    assert message["content"][0]["image_url"]["url"] == part["image_url"]["url"]


async def test_errors_are_each_clients_own(
    gpt: openai.AsyncOpenAI, claude: anthropic.AsyncAnthropic, url: str
) -> None:
    with pytest.raises(openai.NotFoundError, match="there is no model"):
        await gpt.responses.create(model="none", input="What?")
    with pytest.raises(anthropic.NotFoundError) as missing:
        await claude.messages.create(**{**ASK, "model": "none"})
    assert missing.value.body == {
        "type": "error",
        "error": {
            "type": "not_found_error",
            "message": "there is no model 'none' here; GET /v1/models lists them",
        },
    }
    with pytest.raises(openai.BadRequestError, match="this server keeps no responses") as refused:
        await gpt.responses.create(model="m", input="What?", previous_response_id="resp_1")
    assert refused.value.param == "previous_response_id"
    with pytest.raises(anthropic.BadRequestError, match="max_tokens"):
        await claude.messages.create(**{**ASK, "max_tokens": 0})
    async with anthropic.AsyncAnthropic(base_url=url, api_key="wrong", max_retries=0) as stranger:
        with pytest.raises(anthropic.AuthenticationError) as unknown:
            await stranger.messages.create(**ASK)
    assert isinstance(unknown.value.body, dict)
    assert unknown.value.body["error"]["type"] == "authentication_error"


async def test_an_authorization_and_an_x_api_key_are_the_same_key(url: str) -> None:
    async with (
        anthropic.AsyncAnthropic(base_url=url, auth_token=KEY, api_key=None) as bearer,
        openai.AsyncOpenAI(
            base_url=f"{url}/v1", api_key="wrong", default_headers={"x-api-key": KEY}
        ) as other,
    ):
        assert (await bearer.messages.create(**ASK)).stop_reason == "end_turn"
        assert (await other.responses.create(model="m", input="What?")).status == "completed"
        metrics = await other.get("/../metrics", cast_to=str)
    assert 'bestofn_key_requests_total{key="somebody",status="200"}' in metrics
