"""The training run at a thousandth of its size: two models that load, the same each time."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from transformers import (
    AutoModelForCausalLM,
    AutoModelForSequenceClassification,
    AutoTokenizer,
    PreTrainedTokenizerFast,
)

from bestofn.embedded import generator_path
from training.embedded import __main__ as run
from training.embedded import packing, tokenizer
from training.embedded.architecture import (
    JUDGING_LAYERS,
    LAYERS,
    new_language_model,
    reward_model_from,
)
from training.embedded.packing import Row
from training.embedded.reward import Surprise


@pytest.fixture(scope="module")
def vocabulary() -> PreTrainedTokenizerFast:
    loaded = AutoTokenizer.from_pretrained(generator_path())
    assert isinstance(loaded, PreTrainedTokenizerFast)
    return loaded


@pytest.mark.slow
def test_a_tiny_run_writes_both_models_and_repeats_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tokenizer, "TRAINING_TASKS", 500)
    for name in ("first", "second"):
        run.train(tmp_path / name, seed=3, scale=0.001)
    AutoModelForCausalLM.from_pretrained(tmp_path / "first" / "generator")
    AutoModelForSequenceClassification.from_pretrained(tmp_path / "first" / "reward")
    written = sorted(p.relative_to(tmp_path / "first") for p in tmp_path.glob("first/*/*"))
    assert len(written) >= 10
    for file in written:
        first, second = (tmp_path / name / file for name in ("first", "second"))
        assert first.read_bytes() == second.read_bytes(), file


def test_surprise_is_measured_by_what_the_language_model_says_of_each_answer_alone(
    vocabulary: PreTrainedTokenizerFast,
) -> None:
    language_model = new_language_model(vocabulary)
    with torch.no_grad():  # far from uniform, so that a wrong place shows
        language_model.model.embed_tokens.weight.mul_(100)
    prompts = [[5, 6, 7, 8], [9, 10]]
    answers = [[[11, 12, 13], [14], [15, 11]], [[12, 12, 16, 17]]]
    rows = [Row(prompt, own) for prompt, own in zip(prompts, answers, strict=True)]
    model = reward_model_from(language_model)
    said = Surprise(model).expected(packing.score(model, rows, pad=0))
    alone = []
    for prompt, own in zip(prompts, answers, strict=True):
        for answer in own:
            with torch.inference_mode():
                logits = language_model(torch.tensor([prompt + answer])).logits[0].log_softmax(-1)
            alone += [logits[len(prompt) - 1 + i, token].item() for i, token in enumerate(answer)]
    assert said.tolist() == pytest.approx(alone, rel=1e-5)


def test_the_language_model_under_a_reward_model_stays_as_it_is(
    vocabulary: PreTrainedTokenizerFast,
) -> None:
    model = reward_model_from(new_language_model(vocabulary))
    learning = {name for name, p in model.named_parameters() if p.requires_grad}
    judging = {f"model.layers.{LAYERS + i}." for i in range(JUDGING_LAYERS)}
    above = {name for name in learning if not name.startswith(tuple(judging))}
    assert above == {"score.weight"}
