"""The shipped files: they load whole, tokenise alike, and tell right from wrong."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import (
    AutoTokenizer,
    GenerationConfig,
    LlamaForCausalLM,
    LlamaForSequenceClassification,
    PreTrainedTokenizerFast,
)

from bestofn.embedded import generator_path, reward_path
from training.embedded import packing
from training.embedded.chat import USER, conversation, render
from training.embedded.packing import Row
from training.embedded.saving import MAX_NEW_TOKENS
from training.world import Task, held_out_tasks

MEGABYTE = 10**6


@pytest.fixture(scope="module")
def tokenizer() -> PreTrainedTokenizerFast:
    loaded = AutoTokenizer.from_pretrained(generator_path())
    assert isinstance(loaded, PreTrainedTokenizerFast)
    return loaded


@pytest.fixture(scope="module")
def generator() -> LlamaForCausalLM:
    loaded: Any = LlamaForCausalLM.from_pretrained(
        generator_path(), dtype=torch.float32, output_loading_info=True
    )
    model, report = loaded
    assert not any(report.values()), report
    assert isinstance(model, LlamaForCausalLM)
    return model


@pytest.fixture(scope="module")
def reward_model() -> LlamaForSequenceClassification:
    loaded: Any = LlamaForSequenceClassification.from_pretrained(
        reward_path(), dtype=torch.float32, output_loading_info=True
    )
    model, report = loaded
    assert not any(report.values()), report
    assert isinstance(model, LlamaForSequenceClassification)
    return model


@pytest.mark.parametrize("path", [generator_path(), reward_path()])
def test_the_files_are_small_and_complete(path: Path) -> None:
    names = {file.name for file in path.iterdir()}
    assert {"config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"} <= names
    assert (path / "model.safetensors").stat().st_size < 8 * MEGABYTE
    config = json.loads((path / "config.json").read_text())
    assert config["dtype"] == "bfloat16"
    assert config["pad_token_id"] != config["eos_token_id"]


def test_both_models_share_one_tokenizer_and_template(tokenizer: PreTrainedTokenizerFast) -> None:
    for name in ("tokenizer.json", "chat_template.jinja"):
        assert (generator_path() / name).read_bytes() == (reward_path() / name).read_bytes()
    assert tokenizer.chat_template == (generator_path() / "chat_template.jinja").read_text()


@pytest.mark.parametrize(
    "text",
    [
        "What is 7 + 5?",
        "塔维住在莫伦城。",
        "龘靐齉爩 是生僻字",
        "naïve 🙂👩‍👩‍👧 Ωmega",
        "  two  spaces\n\tand a tab ",
        'x = {"a": [1, 2]}  # code',
    ],
)
def test_every_text_survives_the_tokenizer(tokenizer: PreTrainedTokenizerFast, text: str) -> None:
    ids = tokenizer.encode(text, add_special_tokens=False)
    assert tokenizer.decode(ids) == text
    assert tokenizer.unk_token_id not in ids


def test_the_tokenizer_adds_nothing_by_itself(tokenizer: PreTrainedTokenizerFast) -> None:
    assert tokenizer.encode("12") == tokenizer.encode("12", add_special_tokens=False)
    assert len(tokenizer.encode("12")) == 2


def test_the_template_is_what_training_rendered(tokenizer: PreTrainedTokenizerFast) -> None:
    messages = [
        {"role": "system", "content": "Answer briefly."},
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": "Hello."},
        {"role": "user", "content": "What is 7 + 5?"},
    ]
    turns = [(f"<|{message['role']}|>", message["content"]) for message in messages]
    opened = tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
    assert opened == render(turns, "", ended=False)
    answered = [*messages, {"role": "assistant", "content": "It is 12."}]
    whole = tokenizer.apply_chat_template(answered, tokenize=False)
    assert whole == render(turns, "It is 12.", ended=True)
    continued = tokenizer.apply_chat_template(answered, tokenize=False, continue_final_message=True)
    assert continued == render(turns, "It is 12.", ended=False)


def test_the_template_refuses_roles_it_does_not_know(tokenizer: PreTrainedTokenizerFast) -> None:
    with pytest.raises(Exception, match="roles are"):
        tokenizer.apply_chat_template([{"role": "tool", "content": "12"}], tokenize=False)


def test_generation_settings_hide_nothing(tokenizer: PreTrainedTokenizerFast) -> None:
    settings = GenerationConfig.from_pretrained(generator_path()).to_diff_dict()
    assert settings.pop("do_sample") is True
    assert settings.pop("eos_token_id") == tokenizer.eos_token_id
    assert settings.pop("bos_token_id") == tokenizer.bos_token_id
    assert settings.pop("pad_token_id") == tokenizer.pad_token_id
    assert settings.pop("max_new_tokens") == MAX_NEW_TOKENS
    assert set(settings) <= {"transformers_version", "_from_model_config"}


def test_the_generator_answers_and_stops(
    generator: LlamaForCausalLM, tokenizer: PreTrainedTokenizerFast
) -> None:
    prompt = render([(USER, "What is 2 + 3?")], "", ended=False)
    ids = torch.tensor([tokenizer.encode(prompt)])
    row = generator.generate(ids, do_sample=False, max_new_tokens=60)[0, ids.shape[1] :]  # type: ignore[misc]
    assert row[-1] == tokenizer.eos_token_id
    assert "5" in tokenizer.decode(row)


def rewards(
    model: LlamaForSequenceClassification, tokenizer: PreTrainedTokenizerFast, texts: list[str]
) -> list[float]:
    """The rewards of `texts`, in one padded batch."""
    batch = tokenizer(texts, padding=True, return_tensors="pt", add_special_tokens=False)
    with torch.inference_mode():
        logits = model(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]).logits
    return [float(value) for value in logits[:, 0]]


def of(task: Task, answer: str, *, ended: bool = True) -> str:
    """The reward model's text of an answer."""
    return render([(USER, task.prompt)], answer, ended=ended)


@pytest.mark.slow
def test_right_is_preferred_to_wrong_on_held_out_prompts(
    reward_model: LlamaForSequenceClassification, tokenizer: PreTrainedTokenizerFast
) -> None:
    tasks = held_out_tasks(200, seed=5)
    right = rewards(reward_model, tokenizer, [of(t, t.answers[0]) for t in tasks])
    wrong = rewards(reward_model, tokenizer, [of(t, t.wrong_answers[0]) for t in tasks])
    in_order = sum(r > w for r, w in zip(right, wrong, strict=True))
    assert in_order >= 0.9 * len(tasks)


@pytest.mark.slow
def test_whole_is_preferred_to_looping_and_to_cut_off(
    reward_model: LlamaForSequenceClassification, tokenizer: PreTrainedTokenizerFast
) -> None:
    tasks = held_out_tasks(60, seed=6)
    whole = rewards(reward_model, tokenizer, [of(t, t.answer) for t in tasks])
    loop = rewards(reward_model, tokenizer, [of(t, f"{t.answer} " * 8) for t in tasks])
    cut = rewards(reward_model, tokenizer, [of(t, t.answer[: len(t.answer) // 2]) for t in tasks])
    unended = rewards(reward_model, tokenizer, [of(t, t.answer[:-2], ended=False) for t in tasks])
    for worse in (loop, cut, unended):
        assert sum(w > b for w, b in zip(whole, worse, strict=True)) >= 0.9 * len(tasks)


def test_padding_does_not_change_a_reward(
    reward_model: LlamaForSequenceClassification, tokenizer: PreTrainedTokenizerFast
) -> None:
    short, long = "<s><|user|>What is 2 + 3?</s><|assistant|>5.</s>", "<s><|user|>" + "red " * 50
    (alone,) = rewards(reward_model, tokenizer, [short])
    beside, _ = rewards(reward_model, tokenizer, [short, long])
    assert alone == pytest.approx(beside, abs=1e-4)


def test_conversations_always_end_in_the_prompt() -> None:
    import random

    first, second = held_out_tasks(2)
    rng = random.Random(0)
    made = [conversation(rng, first, second) for _ in range(300)]
    assert {turns[-1] for turns in made} == {(USER, first.prompt)}
    assert {len(turns) for turns in made} == {1, 2, 3, 4}


def test_scoring_answers_in_one_row_gives_the_rewards_of_each_alone(
    reward_model: LlamaForSequenceClassification, tokenizer: PreTrainedTokenizerFast
) -> None:
    prompts = ["<s><|user|>What is 2 + 3?</s><|assistant|>", "<s><|user|>Hi</s><|assistant|>"]
    answers = [["5.</s>", "The sum of 2 and 3 is 6.</s>", "The sum"], ["你好</s>"]]
    rows = [
        Row(tokenizer.encode(prompt), [tokenizer.encode(answer) for answer in own])
        for prompt, own in zip(prompts, answers, strict=True)
    ]
    with torch.inference_mode():
        scored = packing.score(reward_model, rows, tokenizer.pad_token_id)
    together = torch.cat(tuple(scored.rewards))
    texts = [p + a for p, own in zip(prompts, answers, strict=True) for a in own]
    assert together.tolist() == pytest.approx(rewards(reward_model, tokenizer, texts), abs=1e-4)
