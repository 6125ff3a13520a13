"""Conversations as text: named formats, chat templates, and what cannot be shown."""

from __future__ import annotations

from typing import Any

import pytest

from bestofn.core.errors import ConfigError
from bestofn.core.types import Candidate, Failure, Request
from bestofn.rewards.text.formats import FORMATS, named_format, recognised_format
from bestofn.rewards.text.messages import fold_system, plain_message
from bestofn.rewards.text.renderer import Renderer, is_chat_template
from tests.support.rewards.calls import candidate
from tests.support.rewards.classifier_replica import CHAT_TEMPLATE

TOKENS = {"bos_token": "<b>", "eos_token": "<e>"}


def render(renderer: Renderer, request: Request, *given: Candidate) -> list[str]:
    texts = renderer.render(request, given)
    assert all(isinstance(text, str) for text in texts)
    return [str(text) for text in texts]


def ziya() -> Renderer:
    template = named_format("ziya").template
    assert template is not None
    return Renderer(template, {}, continues=False)


def test_ziya_has_no_spaces() -> None:
    texts = render(ziya(), Request.from_prompt("写诗"), candidate("好"), candidate(" x ", "length"))
    assert texts == ["Human:写诗\n\nAssistant:好", "Human:写诗\n\nAssistant: x "]


def test_ziya_repeats_its_pattern() -> None:
    request = Request(
        (
            {"role": "system", "content": "S"},
            {"role": "user", "content": "Q1"},
            {"role": "assistant", "content": "A1"},
            {"role": "user", "content": "Q2"},
            {"role": "user", "content": "Q3"},
        )
    )
    assert render(ziya(), request, candidate("A2")) == [
        "Human:S\nQ1\n\nAssistant:A1\n\nHuman:Q2\n\nHuman:Q3\n\nAssistant:A2"
    ]


def test_ziya_knows_no_tool_results() -> None:
    request = Request(({"role": "user", "content": "Q"}, {"role": "tool", "content": "42"}))
    (failure,) = ziya().render(request, [candidate("A")])
    assert isinstance(failure, Failure)
    assert failure.reason == "message_not_rendered"


def test_formats_are_recognised_by_the_config_alone() -> None:
    assert recognised_format({"architectures": ["LlamaRewardModel"]}) is FORMATS["ziya"]
    assert recognised_format({"value_head_prefix": "score"}) is FORMATS["openrlhf"]
    assert recognised_format({"architectures": ["LlamaForSequenceClassification"]}) is None
    assert recognised_format({"architectures": None}) is None
    assert FORMATS["ziya"].max_tokens == 1024


def test_an_unknown_format_names_the_known() -> None:
    with pytest.raises(ConfigError, match=r"openrlhf, .*, skywork-v2, ultrarm, ziya"):
        named_format("chatml")


@pytest.mark.parametrize(
    ("template", "chat"),
    [
        (CHAT_TEMPLATE, True),
        ("{% for m in messages %}### Response: {{ m.content }}{% endfor %}", True),
        ("{% generation %}{{ messages[-1].content }}{% endgeneration %}", True),
        ("{% set response = 1 %}{{ response }}{{ messages }}", True),
        ("{{ prompt }}{{ response }}", False),
        ("{{ messages[-1].content }}{% if ended %}.{% endif %}", False),
    ],
)
def test_a_chat_template_is_told_by_its_variables(template: str, chat: bool) -> None:
    assert is_chat_template(template) is chat


def test_a_broken_template_names_the_line() -> None:
    with pytest.raises(ConfigError, match="line 2 of the template"):
        is_chat_template("fine\n{% for %}")


def test_tools_reach_the_template() -> None:
    tools = [{"type": "function", "function": {"name": "paint"}}]
    request = Request.from_prompt("q", options={"tools": tools})
    renderer = Renderer("{{ tools[0].function.name }} {{ response }}", TOKENS, continues=False)
    assert render(renderer, request, candidate("a")) == ["paint a"]


def test_the_prompt_is_the_newest_question() -> None:
    request = Request(({"role": "user", "content": "old"}, {"role": "user", "content": "new"}))
    renderer = Renderer("{{ bos_token }}{{ prompt }}|{{ response }}", TOKENS, continues=False)
    assert render(renderer, request, candidate("a")) == ["<b>new|a"]


@pytest.mark.parametrize(
    "template",
    [
        "{{ raise_exception('no') }}{{ response }}",
        "{{ response + messages }}",
        "{{ messages[9].content.strip() }}{{ response }}",
        "{{ 1 / 0 }}{{ response }}",
        "{{ ''.__class__.__mro__ }}{{ response }}",
    ],
)
def test_what_a_template_raises_is_a_failure(template: str) -> None:
    renderer = Renderer(template, TOKENS, continues=False)
    (failure,) = renderer.render(Request.from_prompt("q"), [candidate("a")])
    assert isinstance(failure, Failure)
    assert failure.reason == "message_not_rendered"


def test_a_template_cannot_reach_out_of_the_sandbox() -> None:
    template = "{{ messages.append(1) }}{{ response }}"
    (failure,) = Renderer(template, TOKENS, continues=False).render(
        Request.from_prompt("q"), [candidate("a")]
    )
    assert isinstance(failure, Failure)
    assert "SecurityError" in failure.detail


def test_an_ending_stands_once_and_only_on_what_ended() -> None:
    ending = FORMATS["openrlhf"].ending
    given = [candidate("a"), candidate("a<e>"), candidate("a", "length")]
    renderer = Renderer("{{ response }}\n", TOKENS, continues=False, ending=ending)
    assert render(renderer, Request.from_prompt("q"), *given) == ["a <e>", "a<e>", "a"]


def test_plain_messages() -> None:
    message: dict[str, Any] = {
        "role": "assistant",
        "content": None,
        "refusal": None,
        "tool_calls": [
            {"type": "function", "function": {"name": "f", "arguments": '{"x": 1}'}},
            {"type": "function", "function": {"name": "g", "arguments": '{"x": '}},
            {"type": "function", "function": {"name": "h", "arguments": {"y": 2}}},
        ],
    }
    plain = plain_message(message)
    assert plain["content"] == ""
    assert "refusal" not in plain
    arguments = [call["function"]["arguments"] for call in plain["tool_calls"]]
    assert arguments == [{"x": 1}, '{"x": ', {"y": 2}]
    assert message["tool_calls"][0]["function"]["arguments"] == '{"x": 1}'
    assert plain_message({"role": "user", "content": "x", "tool_calls": []}) == {
        "role": "user",
        "content": "x",
    }


@pytest.mark.parametrize("given", ["", "null", None, "[]", [], {}])
def test_no_arguments_are_an_empty_object_however_they_are_written(given: Any) -> None:
    call = {"type": "function", "function": {"name": "f", "arguments": given}}
    (shown,) = plain_message({"role": "assistant", "tool_calls": [call]})["tool_calls"]
    assert shown["function"] == {"name": "f", "arguments": {}}


def test_a_custom_call_is_shown_as_a_function_of_one_argument() -> None:
    call = {"id": "c", "type": "custom", "custom": {"name": "shell", "input": "ls"}}
    (shown,) = plain_message({"role": "assistant", "tool_calls": [call]})["tool_calls"]
    assert shown["function"] == {"name": "shell", "arguments": {"input": "ls"}}


def test_system_text_is_folded_only_where_there_is_a_question() -> None:
    system, user = {"role": "system", "content": "S"}, {"role": "user", "content": "Q"}
    assert fold_system([system, user]) == [{"role": "user", "content": "S\n\nQ"}]
    assert fold_system([system]) == [system]
    assert fold_system([user]) == [user]
