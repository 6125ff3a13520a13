"""The scripted model under the suites of clients, and which tests of a suite may fail."""

from __future__ import annotations

import ast
import json
from typing import Any

import pytest

from benchmarks.client_suites import openai_python
from benchmarks.client_suites.__main__ import Result, table
from benchmarks.client_suites.openai_python import FILES, reason, with_plain_values
from benchmarks.client_suites.schema_values import Said, value_of
from benchmarks.client_suites.scripted_model import ANSWER, ScriptedModel
from benchmarks.client_suites.upstream import chat_completion

ASK: list[dict[str, Any]] = [{"role": "user", "content": "What is magic(3) for 'Oslo'?"}]
PARAMETERS = {
    "type": "object",
    "properties": {"number": {"type": "integer"}, "city": {"$ref": "#/$defs/City"}},
    "$defs": {"City": {"type": "string"}},
}
TOOL = {"type": "function", "function": {"name": "magic", "parameters": PARAMETERS}}


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        (PARAMETERS, {"number": 3, "city": "Oslo"}),
        ({"type": "array", "items": {"type": "number"}, "minItems": 2}, [3, 1]),
        ({"anyOf": [{"type": "string", "minLength": 6}, {"type": "null"}]}, "Oslo.."),
        ({"type": ["null", "boolean"]}, True),
        ({"enum": ["a", "b"]}, "a"),
        ({"const": 7}, 7),
    ],
)
def test_a_value_is_made_of_what_was_said(schema: dict[str, Any], value: Any) -> None:
    assert value_of(schema, Said(str(ASK[0]["content"]))) == value


def test_of_several_candidates_the_first_alone_is_cut() -> None:
    model = ScriptedModel()
    whole = chat_completion(model, {"messages": ASK, "n": 3})["choices"]
    assert [each["finish_reason"] for each in whole] == ["length", "stop", "stop"]
    assert whole[1]["message"]["content"] == ANSWER
    assert ANSWER.startswith(whole[0]["message"]["content"])
    assert chat_completion(model, {"messages": ASK})["choices"][0]["finish_reason"] == "stop"


def test_a_tool_is_called_until_it_has_answered() -> None:
    body: dict[str, Any] = {"messages": ASK, "tools": [TOOL]}
    message, reason_ = ScriptedModel().choice(body, 1, 2)
    assert reason_ == "tool_calls"
    arguments = message["tool_calls"][0]["function"]["arguments"]
    assert json.loads(arguments) == {"number": 3, "city": "Oslo"}
    cut, _ = ScriptedModel().choice(body, 0, 2)
    with pytest.raises(ValueError, match="Expecting"):
        json.loads(cut["tool_calls"][0]["function"]["arguments"])
    result = {"role": "tool", "tool_call_id": "call_1", "content": "7"}
    body["messages"] = [*ASK, message, result]
    assert ScriptedModel().choice(body, 1, 2)[0]["content"] == ANSWER


def test_only_the_tools_of_the_script_are_called() -> None:
    body = {"messages": ASK, "tools": [TOOL]}
    assert ScriptedModel({"write": {}}, only=True).choice(body, 0, 1)[0]["content"] == ANSWER
    (call,) = ScriptedModel({"magic": {"number": 9}}).choice(body, 0, 1)[0]["tool_calls"]
    assert call["function"]["arguments"] == '{"number": 9}'


@pytest.mark.parametrize(
    ("file", "name", "why"),
    [
        (FILES[0], "test_method_create_overload_1[loose]", None),
        (FILES[0], "test_method_create_with_all_params_overload_1[strict]", "CONTRADICTS"),
        (FILES[0], "test_streaming_response_delete[loose]", "STATE"),
        (FILES[2], "test_method_retrieve[loose]", None),
        (FILES[2], "test_method_delete[loose]", "STATE"),
        (FILES[3], "test_raw_response_create_overload_2[loose]", "NO_INPUT"),
        (FILES[3], "test_method_compact[aiohttp]", "STATE"),
        (FILES[5], "test_method_count[loose]", "NO_INPUT"),
    ],
)
def test_a_test_may_fail_for_one_reason_or_none(file: str, name: str, why: str | None) -> None:
    assert reason(file, name) == (why and getattr(openai_python, why))
    if "create" in name or "count" in name:
        assert reason(file, name, plain=True) is None


def test_plain_calls_say_nothing_that_needs_state_or_contradicts_itself() -> None:
    source = """
client.chat.completions.create(messages=[], max_tokens=0, stream=False, stream_options={}, seed=1)
client.chat.completions.create(messages=[], stream=True, stream_options={})
client.responses.with_raw_response.create()
client.responses.create(input="q", background=True, prompt={"id": "p"}, conversation="c")
client.completions.create(prompt="p", best_of=0)
client.responses.input_tokens.count(previous_response_id="r")
client.responses.retrieve("r", stream=False)
"""
    assert with_plain_values(source) == ast.unparse(
        ast.parse("""
client.chat.completions.create(messages=[], max_tokens=16, stream=False, seed=1)
client.chat.completions.create(messages=[], stream=True, stream_options={})
client.responses.with_raw_response.create(input="string")
client.responses.create(input="q")
client.completions.create(prompt="p", best_of=16)
client.responses.input_tokens.count(input="string")
client.responses.retrieve("r", stream=False)
""")
    )


def test_the_table_tells_what_may_fail_from_what_may_not() -> None:
    results = [
        Result("a", "test_1", "passed", "a reason"),
        Result("a", "test_2", "failed", "a reason"),
        Result("a", "test_3", "failed", said="no"),
        Result("b", "test_4", "skipped"),
    ]
    assert table(results).splitlines()[2:] == [
        "| a | 1 | 1 | 1 | 0 |",
        "| b | 0 | 0 | 0 | 1 |",
        "",
        "- 1 cannot pass: a reason",
        "FAILED a test_3: no",
    ]
