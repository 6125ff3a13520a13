"""The texts of formats that are no chat template, beyond one question and one answer."""

from __future__ import annotations

from pathlib import Path

import pytest

from bestofn.core.types import Failure, Request
from bestofn.rewards.text.formats import FORMATS
from bestofn.rewards.text.renderer import Renderer
from bestofn.rewards.transformers import TransformersRewardModel
from tests.support.rewards import classifier_replica
from tests.support.rewards.calls import candidate, rewards
from tests.support.rewards.internlm2_replica import ASK
from tests.support.rewards.replicas import REPLICAS

TALK = Request(
    (
        {"role": "system", "content": "S"},
        {"role": "user", "content": "Q1"},
        {"role": "assistant", "content": "A1"},
        {"role": "user", "content": "Q2"},
    )
)


def renderer(name: str) -> Renderer:
    known = FORMATS[name]
    assert known.template is not None
    special = {"bos_token": "<s>", "eos_token": "</s>", "sep_token": "[SEP]"}
    return Renderer(known.template, special, continues=False, fold_system=known.fold_system)


@pytest.mark.parametrize(
    ("name", "ended", "cut"),
    [
        (
            "ultrarm",
            "Human: S\nQ1\n\nAssistant: A1\n\nHuman: Q2\n\nAssistant: A2",
            "Human: S\nQ1\n\nAssistant: A1\n\nHuman: Q2\n\nAssistant: A2",
        ),
        (
            "eurus",
            "[INST] S\n\nQ1 [\\INST] A1</s>[INST] Q2 [\\INST] A2",
            "[INST] S\n\nQ1 [\\INST] A1</s>[INST] Q2 [\\INST] A2",
        ),
        (
            "beaver",
            "BEGINNING OF CONVERSATION: USER: S\n\nQ1 ASSISTANT:A1</s>USER: Q2 ASSISTANT:A2</s>",
            "BEGINNING OF CONVERSATION: USER: S\n\nQ1 ASSISTANT:A1</s>USER: Q2 ASSISTANT:A2",
        ),
    ],
)
def test_turns(name: str, ended: str, cut: str) -> None:
    given = [candidate("A2"), candidate("A2", "length")]
    assert renderer(name).render(TALK, given) == [ended, cut]


@pytest.mark.parametrize(
    ("name", "text"), [("oasst", "S\n\nQ[SEP]A"), ("math-shepherd", "S\n\nQ A")]
)
def test_a_pair_is_one_question_and_one_answer(name: str, text: str) -> None:
    request = Request.from_prompt("Q", system="S")
    assert renderer(name).render(request, [candidate("A")]) == [text]
    (failure,) = renderer(name).render(TALK, [candidate("A")])
    assert isinstance(failure, Failure)
    assert f"the {name} format knows one question" in failure.detail


@pytest.mark.parametrize("name", ["eurus", "beaver"])
def test_tools_cannot_be_shown(name: str) -> None:
    request = Request(({"role": "user", "content": "Q"}, {"role": "tool", "content": "42"}))
    (failure,) = renderer(name).render(request, [candidate("A")])
    assert isinstance(failure, Failure)
    assert f"the {name} format knows no tools" in failure.detail


@pytest.mark.parametrize("name", ["ultrarm", "eurus", "beaver"])
async def test_bos_stands_before_a_text_whatever_the_tokenizer_does(
    tmp_path: Path, name: str
) -> None:
    replica = REPLICAS[name]
    weights = replica.write(tmp_path)
    classifier_replica.write_tokenizer(tmp_path, None, adds_bos=False)
    model = TransformersRewardModel.load(str(tmp_path), device="cpu")
    (got,) = await rewards(model, Request.from_prompt(ASK), [candidate("blue")])
    model.close()
    expected = replica.read(replica.ids(tmp_path, "blue", True), weights)
    assert got == pytest.approx(expected, abs=1e-5)


async def test_a_family_whose_text_spells_its_special_tokens_gets_no_others(
    tmp_path: Path,
) -> None:
    replica = REPLICAS["qwen-math-rm"]
    weights = replica.write(tmp_path)
    bare = classifier_replica.CHAT_TEMPLATE.removeprefix("{{ bos_token }}")
    classifier_replica.write_tokenizer(tmp_path, bare, adds_bos=True)
    model = TransformersRewardModel.load(str(tmp_path), device="cpu")
    (got,) = await rewards(model, Request.from_prompt(ASK), [candidate("blue")])
    model.close()
    ids = replica.ids(tmp_path, "blue", True)[1:]
    assert got == pytest.approx(replica.read(ids, weights), abs=1e-5)
