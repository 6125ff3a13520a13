"""inspect_ai's three clients with best_of and num_choices: a model that is asked, and a task."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from inspect_ai import Task, eval_async
from inspect_ai.dataset import Sample
from inspect_ai.model import GenerateConfig, Model, ResponseSchema, get_model
from inspect_ai.scorer import includes
from inspect_ai.solver import generate
from inspect_ai.tool import ToolDef
from inspect_ai.util import json_schema
from pydantic import BaseModel

URL = os.environ["BESTOFN_URL"]
ANSWER = os.environ["BESTOFN_ANSWER"]

CLIENTS: dict[str, dict[str, Any]] = {
    "chat": {"model": "openai-api/bestofn/scripted", "base_url": f"{URL}/v1"},
    "responses": {
        "model": "openai/scripted",
        "base_url": f"{URL}/v1",
        "responses_api": True,
        "responses_store": False,
    },
    "messages": {"model": "anthropic/scripted", "base_url": URL},
}


class City(BaseModel):
    """What structured output is read as."""

    city: str


def _model(name: str, **config: Any) -> Model:
    given = {"max_tokens": 64, "max_retries": 0, **config}
    return get_model(**CLIENTS[name], api_key="secret", config=GenerateConfig(**given))


def _magic() -> Any:
    async def magic(number: int) -> int:
        """A function.

        Args:
            number: its argument.
        """
        return number

    return ToolDef(magic).as_tool()


@pytest.mark.parametrize("name", CLIENTS)
async def test_it_gets_the_winner(name: str) -> None:
    output = await _model(name).generate("What is 2 + 2?")
    assert (output.completion, output.stop_reason) == (ANSWER, "stop")
    assert output.usage is not None
    assert output.usage.output_tokens > 0


@pytest.mark.parametrize("name", CLIENTS)
async def test_it_says_how_many_are_sampled(name: str) -> None:
    output = await _model(name, extra_body={"best_of": 3}).generate("What is 2 + 2?")
    assert output.completion == ANSWER


@pytest.mark.parametrize(("best_of", "choices"), [(4, None), (4, 2), (None, 2)])
async def test_best_of_and_num_choices(best_of: int | None, choices: int | None) -> None:
    output = await _model("chat", best_of=best_of, num_choices=choices).generate("What is 2 + 2?")
    assert [each.message.text for each in output.choices] == [ANSWER] * (choices or 1)


@pytest.mark.parametrize("name", CLIENTS)
async def test_a_tool_is_called(name: str) -> None:
    output = await _model(name).generate("What is magic(3)?", tools=[_magic()])
    (call,) = output.message.tool_calls or []
    assert (call.function, call.arguments) == ("magic", {"number": 3})


@pytest.mark.parametrize("name", CLIENTS)
async def test_structured_output(name: str) -> None:
    schema = ResponseSchema(name="city", json_schema=json_schema(City))
    output = await _model(name, response_schema=schema).generate("The weather in 'Oslo'")
    assert City.model_validate_json(output.completion).city


@pytest.mark.parametrize("name", CLIENTS)
async def test_a_task_is_scored(name: str, tmp_path: Path) -> None:
    task = Task([Sample("What is 2 + 2?", target="4")], solver=generate(), scorer=includes())
    (log,) = await eval_async(task, _model(name), log_dir=str(tmp_path))
    assert log.status == "success"
    assert log.results is not None
    assert log.results.scores[0].metrics["accuracy"].value == 1.0
