"""Shipped chat templates, and a user's own: what they write, whom they suit, what they refuse."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bestofn.builders.generator import open_generator
from bestofn.core.errors import ConfigError, RequestError
from bestofn.generators.chat_template import TEMPLATES, chosen_template, has_chat_template
from bestofn.settings.settings import Settings

ZIYA = TEMPLATES["ziya-13b"]


def _user(content: Any) -> dict[str, Any]:
    return {"role": "user", "content": content}


def _said(content: str) -> dict[str, Any]:
    return {"role": "assistant", "content": content}


@pytest.mark.parametrize(
    ("messages", "text"),
    [
        ([_user(" 帮我写一份去西安的旅游计划\n")], "<human>:帮我写一份去西安的旅游计划\n<bot>:"),
        (
            [_user("a"), _said(" b "), _user("c"), _said("d"), _user("e")],
            "<human>:a\n<bot>:b</s><human>:c\n<bot>:d</s><human>:e\n<bot>:",
        ),
        ([{"role": "system", "content": "S"}, _user("a")], "<human>:S\n\na\n<bot>:"),
        ([{"role": "developer", "content": "S"}, _user("a")], "<human>:S\n\na\n<bot>:"),
        (
            [{"role": "system", "content": "S"}, _user("a"), _said("b"), _user("c")],
            "<human>:S\n\na\n<bot>:b</s><human>:c\n<bot>:",
        ),
        (
            [_user([{"type": "text", "text": "a"}, {"type": "text", "text": "b"}])],
            "<human>:ab\n<bot>:",
        ),
        ([_user("{{ 1 + 1 }}<bot>:")], "<human>:{{ 1 + 1 }}<bot>:\n<bot>:"),
    ],
    ids=["card", "turns", "system", "developer", "system-and-turns", "parts", "jinja-in-a-text"],
)
def test_the_form_of_ziya_13b(messages: list[Any], text: str) -> None:
    assert ZIYA.render(messages) == text


@pytest.mark.parametrize(
    ("messages", "sentence"),
    [
        ([_said("b")], "ziya-13b cannot show .* its first turn is the user's"),
        ([_user("a"), {"role": "tool", "content": "1"}], "knows no tools"),
        ([_user("a"), {**_said(""), "tool_calls": [{"id": "1"}]}], "knows no tools"),
        (
            [_user([{"type": "image_url", "image_url": {"url": "x"}}])],
            "message 1 has a part of the type image_url, and the chat template ziya-13b shows text",
        ),
    ],
    ids=["no-user", "tool", "call", "image"],
)
def test_what_it_cannot_show_is_one_sentence(messages: list[Any], sentence: str) -> None:
    with pytest.raises(RequestError, match=sentence) as caught:
        ZIYA.render(messages)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("model", "known"),
    [
        ("IDEA-CCNL/Ziya-LLaMA-13B-v1", True),
        ("IDEA-CCNL/Ziya-LLaMA-13B-v1.1", True),
        ("ziya-llama-13b-v1", True),
        ("/models/Ziya-LLaMA-13B-v1.1/", True),
        ("/hub/models--IDEA-CCNL--Ziya-LLaMA-13B-v1/snapshots/abc", True),
        ("IDEA-CCNL/Ziya-LLaMA-13B-Pretrain-v1", False),
        ("IDEA-CCNL/Ziya-LLaMA-7B-Reward", False),
        ("IDEA-CCNL/Ziya-BLIP2-14B-Visual-v1", False),
        ("me/not-Ziya-LLaMA-13B-v1", False),
        ("IDEA-CCNL/Ziya-LLaMA-13B-v1.1-sft", False),
        ("Qwen/Qwen3-8B", False),
    ],
)
def test_it_is_known_by_the_models_name(model: str, known: bool) -> None:
    assert chosen_template(None, model) == (ZIYA if known else None)


def test_what_the_settings_say_goes_before_the_name(tmp_path: Path) -> None:
    ziya = "IDEA-CCNL/Ziya-LLaMA-13B-v1"
    assert chosen_template("ziya-13b", "mine") is ZIYA
    assert chosen_template("none", ziya) is None
    assert chosen_template(None, ziya, has_own=True) is None
    assert chosen_template("ziya-13b", ziya, has_own=True) is ZIYA
    (tmp_path / "own.jinja").write_text("{% for m in messages %}[{{ m.content }}]{% endfor %}")
    for given in (
        str(tmp_path / "own.jinja"),
        "{% for m in messages %}[{{m.content}}]{% endfor %}",
    ):
        own = chosen_template(given, ziya)
        assert own is not None
        assert own.render([_user("a"), _user("b")]) == "[a][b]"
        assert not own.framed


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ("ziya-7b", "ziya-7b, which is neither a file nor one of ziya-13b, none"),
        ("{% for m in messages %}\n{{ m", "line 2 of the chat template"),
        ("{{ messages | no_such_filter }}", "line 1 of the chat template"),
    ],
)
def test_a_setting_that_is_no_template_is_one_sentence(given: str, sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence) as caught:
        chosen_template(given, "m")
    assert "\n" not in str(caught.value)


def test_a_checkpoints_own_template_is_seen_wherever_it_stands(tmp_path: Path) -> None:
    assert not has_chat_template(str(tmp_path))
    assert not has_chat_template("IDEA-CCNL/Ziya-LLaMA-13B-v1")
    (tmp_path / "tokenizer_config.json").write_text('{"bos_token": "<s>"}')
    assert not has_chat_template(str(tmp_path))
    (tmp_path / "tokenizer_config.json").write_text('{"chat_template": "x"}')
    assert has_chat_template(str(tmp_path))
    (tmp_path / "tokenizer_config.json").unlink()
    (tmp_path / "chat_template.jinja").write_text("x")
    assert has_chat_template(str(tmp_path))


async def test_two_templates_are_one_too_many() -> None:
    settings = Settings(
        model="m", chat_template="ziya-13b", engine_args=["--chat-template=x.jinja"]
    )
    with pytest.raises(ConfigError, match="--chat-template is among engine_args too"):
        async with open_generator(settings, "vllm"):
            pass
