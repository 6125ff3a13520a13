"""What a template cannot show is found out before anything is sampled: folded, or refused."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from bestofn.core.best_of_n import best_of_n
from bestofn.core.errors import ConfigError, ModelError, RequestError
from bestofn.core.pipeline import Pipeline
from bestofn.core.types import Candidate, Request, Score
from bestofn.rewards.checkpoints.text_only import load_text_maker
from bestofn.rewards.ensemble import EnsembleRewardModel, Member
from bestofn.rewards.text import sandbox
from bestofn.rewards.text.text_thread import TextThread
from bestofn.rewards.transformers import TransformersRewardModel
from bestofn.selection.argmax import ArgmaxSelector
from bestofn.settings.rewards import RewardSettings
from bestofn.testing import FakeGenerator
from tests.support.rewards import classifier_replica
from tests.support.rewards.calls import candidate
from tests.support.rewards.classifier_replica import CHAT_TEMPLATE

GEMMA = (
    "{{ bos_token }}{% if messages[0].role == 'system' %}"
    "{{ raise_exception('System role not supported') }}{% endif %}{% for m in messages %}"
    "{% if (m.role == 'user') != (loop.index0 % 2 == 0) %}"
    "{{ raise_exception('Conversation roles must alternate user/assistant') }}{% endif %}"
    "<start>{{ m.role }}\n{{ m.content | trim }}<end>\n{% endfor %}"
)
TURNS_ALONE = (
    "{% for m in messages if m.role in ('user', 'assistant') %}{{ m.content }}|{% endfor %}"
)
USER = {"role": "user", "content": "Q"}
SYSTEM = {"role": "system", "content": "Be kind."}
CALL = {
    "id": "c",
    "type": "function",
    "function": {"name": "paint", "arguments": '{"colour": "blue"}'},
}
TOOL_TURNS = (
    USER,
    {"role": "assistant", "content": None, "tool_calls": [CALL]},
    {"role": "tool", "tool_call_id": "c", "content": "done"},
)
SOUND = {"role": "user", "content": [{"type": "input_audio", "input_audio": {"data": "x"}}]}


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox, "SECONDS", 0.2)


def maker(folder: Path, template: str) -> Any:
    classifier_replica.write(folder, chat_template=template)
    return load_text_maker(str(folder))


async def refusal(folder: Path, template: str, *messages: Any) -> str | None:
    thread = TextThread()
    said: str | None = await maker(folder, template).refusal(Request(tuple(messages)), thread)
    thread.close()
    return said


@pytest.mark.parametrize(
    ("template", "sentence"),
    [
        ("{% for m in messages if m.role == 'user' %}{{ m.content }}{% endfor %}", "same reward"),
        ("", "same reward"),
        ("{{ foo.bar }}" + CHAT_TEMPLATE, "cannot show a question and an answer: UndefinedError"),
        ("{{ raise_exception('no') }}", "cannot show a question and an answer: TemplateError: no"),
        ("fine\n{% for m in messages %}{{ m.content }", "line 2 of the template"),
        ("{{ messages | no_such_filter }}", "line 1 of the template"),
        (
            "{% for a in range(99999) %}{% for a in range(99999) %}{% endfor %}{% endfor %}"
            + CHAT_TEMPLATE,
            "takes more than 0.2 s",
        ),
    ],
    ids=["only-user", "empty", "undefined", "raises", "syntax", "filter", "for-ever"],
)
def test_a_template_that_shows_no_answer_is_refused_at_the_start(
    tmp_path: Path, template: str, sentence: str
) -> None:
    with pytest.raises(ModelError, match=sentence) as caught:
        maker(tmp_path, template)
    assert str(tmp_path) in str(caught.value)
    assert "\n" not in str(caught.value)
    with pytest.raises(ConfigError, match=sentence):
        load_text_maker(str(tmp_path), RewardSettings(template=template))


@pytest.mark.parametrize("role", ["system", "developer"])
@pytest.mark.parametrize("template", [GEMMA, TURNS_ALONE], ids=["raises", "leaves-out"])
def test_a_template_without_system_role_has_it_folded(
    tmp_path: Path, template: str, role: str
) -> None:
    texts = maker(tmp_path, template)
    request = Request(({"role": role, "content": "Be kind."}, USER))
    (text,) = texts.renderer.render(request, [candidate("A")])
    assert "Be kind.\n\nQ" in text
    (empty,) = texts.renderer.render(
        Request(({"role": role, "content": ""}, USER)), [candidate("A")]
    )
    assert empty == texts.renderer.render(Request((USER,)), [candidate("A")])[0]


def test_a_system_role_that_a_template_has_is_left_to_it(tmp_path: Path) -> None:
    texts = maker(tmp_path, CHAT_TEMPLATE)
    (text,) = texts.renderer.render(Request((SYSTEM, USER)), [candidate("A")])
    assert text.startswith("<|begin|><|im_start|>system\nBe kind.<|im_end|>\n<|im_start|>user\nQ")


@pytest.mark.parametrize(
    ("template", "messages", "sentence"),
    [
        (GEMMA, TOOL_TURNS, "message 2 belongs to a call of a tool, and .* must alternate"),
        (TURNS_ALONE, TOOL_TURNS, "message 2 belongs to a call of a tool, and .* leaves that out"),
        (CHAT_TEMPLATE, (SOUND,), "message 1 has a part of the type input_audio"),
        (GEMMA, (USER, USER), "roles must alternate"),
        (GEMMA, (USER, {"role": "assistant", "content": "8 - 5 ="}), "roles must alternate"),
        (
            "{% if messages | length != 2 %}{{ raise_exception('one question') }}{% endif %}"
            + CHAT_TEMPLATE,
            (USER, {"role": "assistant", "content": "A"}, USER),
            "has several turns, and .* one question",
        ),
    ],
    ids=["tools-raise", "tools-left-out", "sound", "two-users", "ends-with-assistant", "turns"],
)
async def test_what_cannot_be_shown_is_refused(
    tmp_path: Path, template: str, messages: Any, sentence: str
) -> None:
    said = await refusal(tmp_path, template, *messages)
    assert said is not None
    assert "\n" not in said
    assert re.search(sentence, said), said


@pytest.mark.parametrize(
    "messages",
    [
        (USER,),
        (SYSTEM, USER),
        TOOL_TURNS,
        (USER, USER),
        ({"role": "user", "content": [{"type": "text", "text": "Q"}]},),
    ],
)
async def test_what_can_be_shown_is_not(tmp_path: Path, messages: Any) -> None:
    assert await refusal(tmp_path, CHAT_TEMPLATE, *messages) is None


async def test_nothing_is_sampled_for_a_conversation_that_is_refused(tmp_path: Path) -> None:
    classifier_replica.write(tmp_path, chat_template=GEMMA)
    model = TransformersRewardModel.load(str(tmp_path), device="cpu")

    class Flat:
        async def score(self, request: Request, candidates: Sequence[Candidate]) -> list[Score]:
            return [Score(0.0) for _ in candidates]

    ensemble = EnsembleRewardModel([Member("flat", Flat()), Member("gemma", model)])
    for scorer in (model, ensemble):
        generator = FakeGenerator(["A", "B"])
        pipeline = Pipeline(generator, ArgmaxSelector(), reward_model=scorer)
        with pytest.raises(RequestError, match=r"cannot judge this conversation: .*alternate"):
            await best_of_n(Request((USER, USER), best_of=2), pipeline)
        assert generator.sampled == []
        ranking = await best_of_n(Request((SYSTEM, USER), best_of=2), pipeline)
        assert ranking.winner is not None
        assert ranking.winner.reward is not None
    model.close()


@pytest.mark.parametrize(
    ("arguments", "shown"),
    [
        ('{"a": 1}', "f(a=1,)"),
        ("", "f()"),
        (None, "f()"),
        ("null", "f()"),
        ({"a": 1}, "f(a=1,)"),
        ("{}", "f()"),
    ],
)
def test_tool_arguments_are_an_object(tmp_path: Path, arguments: Any, shown: str) -> None:
    template = (
        "{% for m in messages %}{{ m.content }}{% for c in m.tool_calls or [] %}"
        "{{ c.function.name }}({% for k, v in c.function.arguments.items() %}{{ k }}={{ v }},"
        "{% endfor %}){% endfor %};{% endfor %}"
    )
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": arguments}}
    turns = (USER, {"role": "assistant", "content": None, "tool_calls": [call]}, TOOL_TURNS[2])
    (text,) = maker(tmp_path, template).renderer.render(Request(turns), [candidate("A")])
    assert text == f"Q;{shown};done;A;"


def test_a_custom_tool_is_called_with_its_input(tmp_path: Path) -> None:
    call = {"id": "c", "type": "custom", "custom": {"name": "f", "input": "x"}}
    made = Candidate(0, {"role": "assistant", "content": None, "tool_calls": [call]}, "tool_calls")
    (text,) = maker(tmp_path, CHAT_TEMPLATE).renderer.render(Request((USER,)), [made])
    called = {"id": "c", "type": "function", "function": {"name": "f", "arguments": {"input": "x"}}}
    assert json.dumps([called]) in text


@pytest.mark.parametrize(
    ("answer", "shown"),
    [
        ("  an answer that was cut  ", "an answer that was cut"),
        ("\n\ncode:\n    y = ", "code:\n    y ="),
        ("Say user", "Say user"),
        ("s", "s"),
        (">", ">"),
        ("", ""),
    ],
)
def test_an_unfinished_answer_stops_where_a_template_that_trims_shows_it(
    tmp_path: Path, answer: str, shown: str
) -> None:
    (text,) = maker(tmp_path, GEMMA).renderer.render(
        Request((USER,)), [candidate(answer, "length")]
    )
    assert text == f"<|begin|><start>user\nQ<end>\n<start>assistant\n{shown}".rstrip()


def test_thoughts_that_a_template_takes_out_are_out_of_unfinished_answers_too(
    tmp_path: Path,
) -> None:
    template = (
        "{% for m in messages %}<|im_start|>{{ m.role }}\n{% set c = m.content %}"
        "{% if '</think>' in c %}{% set c = c.split('</think>')[-1].lstrip('\n') %}{% endif %}"
        "{{ c }}<|im_end|>\n{% endfor %}"
    )
    thought = "<think>\nhm\n</think>\n\nIt is"
    texts = maker(tmp_path, template).renderer.render(
        Request((USER,)), [candidate(thought, "length"), candidate(f"{thought} 3.")]
    )
    asked = "<|im_start|>user\nQ<|im_end|>\n<|im_start|>assistant\n"
    assert texts == [f"{asked}It is", f"{asked}It is 3.<|im_end|>\n"]


def test_an_answer_without_role_is_the_assistants(tmp_path: Path) -> None:
    texts = maker(tmp_path, CHAT_TEMPLATE).renderer
    for message in ({"content": "A"}, {"role": None, "content": "A"}):
        (text,) = texts.render(Request((USER,)), [Candidate(0, message, "stop")])
        assert text == texts.render(Request((USER,)), [candidate("A")])[0]
