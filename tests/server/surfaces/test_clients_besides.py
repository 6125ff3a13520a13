"""The same clients: tokens counted, pictures, errors and keys."""

from __future__ import annotations

import base64
from typing import Any

import anthropic
import openai
import pytest

from bestofn.testing import FakeGenerator
from tests.support.weather import ASK, CLAUDE_TOOL, KEY, TOOL


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
