"""The unmodified `openai` and `anthropic` clients on both surfaces, over real sockets."""

from __future__ import annotations

import asyncio
from typing import Any

import anthropic
import openai
import pytest

from bestofn.testing import FakeGenerator
from tests.support.weather import ASK, CALL, CLAUDE_TOOL, KEY, PARAMETERS, TOOL, City


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
