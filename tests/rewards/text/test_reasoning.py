"""Reasoning in what a reward model reads: one thing under every name, shown where asked for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bestofn.core.errors import ModelError
from bestofn.core.types import Candidate, Request
from bestofn.rewards.text.fit import EncodedText
from bestofn.rewards.transformers import TransformersRewardModel
from tests.support.rewards import classifier_replica

REQUEST = Request.from_prompt("What colour is the sky?")
TEMPLATE = (
    "{% for m in messages %}{% if m.NAME %}{{ m.NAME }} {% endif %}{{ m.content }} {% endfor %}"
)


def _answers(thought: str = "the rain falls") -> list[Candidate]:
    fields: list[dict[str, Any]] = [
        {},
        {"reasoning": thought},
        {"reasoning_content": thought},
        {"reasoning": thought, "reasoning_content": thought},
    ]
    said = {"role": "assistant", "content": "It is blue."}
    return [Candidate(at, {**said, **each}, "stop") for at, each in enumerate(fields)]


@pytest.mark.parametrize("name", ["reasoning", "reasoning_content", "thinking"])
async def test_a_reward_does_not_depend_on_who_named_the_reasoning(
    tmp_path: Path, name: str
) -> None:
    classifier_replica.write(tmp_path)
    template = TEMPLATE.replace("NAME", name)
    rewards = {}
    for shown in (False, True):
        model = TransformersRewardModel.load(
            str(tmp_path), device="cpu", template=template, reasoning=shown
        )
        texts = model._texts.of_candidates(REQUEST, _answers())
        rewards[shown] = [each.ids for each in texts if isinstance(each, EncodedText)]
        model.close()
    plain, *others = rewards[False]
    assert others == [plain] * 3
    without, *thought = rewards[True]
    assert without == plain
    assert thought == [thought[0]] * 3
    assert len(thought[0]) > len(plain)


def test_reasoning_that_the_template_does_not_show_is_said_at_the_start(tmp_path: Path) -> None:
    classifier_replica.write(tmp_path)
    with pytest.raises(ModelError, match="reads no reasoning"):
        TransformersRewardModel.load(
            str(tmp_path), device="cpu", template="{{ response }}", reasoning=True
        )
