"""Sequence classifiers of four families against a plain reading of the same weights."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from bestofn.core.types import Candidate, Message, Request
from bestofn.rewards.transformers import TransformersRewardModel
from tests.rewards.conftest import Checkpoint
from tests.support.rewards import classifier_replica
from tests.support.rewards.calls import candidate, candidates, rewards
from tests.support.rewards.classifier_replica import BOS, END, START, chat

TEXTS = (
    "It is blue.",
    "",
    "The kettle sings while the rain falls on the roof, and nobody in the house is listening.",
    "天空是蓝色的 ☂",
    "blue\n\n- blue\n- blue",
)
ASK = "what is the colour of the sky?"
TOLERANCE = 1e-5


def plain(checkpoint: Checkpoint, text: str) -> float:
    return classifier_replica.reference(checkpoint.folder, checkpoint.weights, text)


@pytest.mark.parametrize("family", classifier_replica.FAMILIES)
async def test_a_family_scores_as_the_plain_reading(tmp_path: Path, family: str) -> None:
    weights = classifier_replica.write(tmp_path, family)
    model = TransformersRewardModel.load(str(tmp_path), device="cpu")
    expected = [
        classifier_replica.reference(
            tmp_path, weights, chat(("user", ASK), ("assistant", text)), family
        )
        for text in TEXTS
    ]
    request = Request.from_prompt(ASK)
    alone = [(await rewards(model, request, [candidate(text)]))[0] for text in TEXTS]
    together = await rewards(model, request, candidates(TEXTS))
    order = random.Random(1).sample(range(len(TEXTS)), len(TEXTS))
    shuffled = await rewards(model, request, candidates([TEXTS[at] for at in order]))
    model.close()
    assert max(expected) - min(expected) > 0.1
    pairs = [*zip(alone + together, expected * 2, strict=True)]
    worst = max(abs(got - wanted) for got, wanted in pairs)
    print(f"{family}: largest difference to the plain reading: {worst:.1e}")
    assert worst < TOLERANCE
    assert shuffled == pytest.approx([expected[at] for at in order], abs=TOLERANCE)


async def test_a_text_that_ends_in_the_pad_token_is_read_there(llama: Checkpoint) -> None:
    """transformers' own read-out takes the last id that is not the pad: the one before."""
    text = chat(("user", ASK), ("assistant", "blue"))
    (got,) = await rewards(llama.model, Request.from_prompt(ASK), [candidate("blue")])
    assert got == pytest.approx(plain(llama, text), abs=TOLERANCE)
    network: Any = AutoModelForSequenceClassification.from_pretrained(
        llama.folder, dtype=torch.float32
    )
    ids = classifier_replica.ids_of(llama.folder, text)
    assert ids[-1] == network.config.pad_token_id
    theirs = network(torch.tensor([ids])).logits.item()
    assert abs(theirs - got) > 0.01


async def test_a_candidate_that_was_cut_is_not_shown_as_finished(llama: Checkpoint) -> None:
    given = [candidate("It is", "stop"), candidate("It is", "length", 1)]
    ended, cut = await rewards(llama.model, Request.from_prompt(ASK), given)
    finished = chat(("user", ASK), ("assistant", "It is"))
    unfinished = chat(("user", ASK), ("assistant", "It is"), ended=False)
    assert ended == pytest.approx(plain(llama, finished), abs=TOLERANCE)
    assert cut == pytest.approx(plain(llama, unfinished), abs=TOLERANCE)
    assert abs(ended - cut) > 0.01


async def test_system_turns_and_parts(llama: Checkpoint) -> None:
    messages: tuple[Message, ...] = (
        {"role": "system", "content": "Be short."},
        {"role": "user", "content": [{"type": "text", "text": "what is "}, {"text": "blue?"}]},
        {"role": "assistant", "content": "the sky", "tool_calls": [], "refusal": None},
        {"role": "user", "content": "and red?"},
    )
    answer = Candidate(
        0, {"role": "assistant", "content": [{"type": "text", "text": "rust"}]}, "stop"
    )
    (got,) = await rewards(llama.model, Request(messages), [answer])
    text = chat(
        ("system", "Be short."),
        ("user", "what is blue?"),
        ("assistant", "the sky"),
        ("user", "and red?"),
        ("assistant", "rust"),
    )
    assert got == pytest.approx(plain(llama, text), abs=TOLERANCE)


async def test_tool_calls_are_shown_with_their_arguments_as_objects(llama: Checkpoint) -> None:
    function = {"name": "paint", "arguments": '{"colour": "blue"}'}
    message = {
        "role": "assistant",
        "content": None,
        "tool_calls": [{"id": "1", "type": "function", "function": function}],
    }
    given = [Candidate(0, message, "tool_calls"), Candidate(1, message, "length")]
    ended, cut = await llama.model.score(Request.from_prompt(ASK), given)
    shown = (
        '[{"id": "1", "type": "function", "function": '
        '{"name": "paint", "arguments": {"colour": "blue"}}}]'
    )
    text = chat(("user", ASK), ("assistant", shown))
    assert ended.reward == pytest.approx(plain(llama, text), abs=TOLERANCE)
    assert cut.failure is not None
    assert cut.failure.reason == "message_not_rendered"


async def test_what_a_template_cannot_show_fails_alone(llama: Checkpoint) -> None:
    picture = {"type": "image_url", "image_url": {"url": "data:,"}}
    odd = Candidate(1, {"role": "assistant", "content": [picture]}, "stop")
    first, failed, last = await llama.model.score(
        Request.from_prompt(ASK), [candidate("one"), odd, candidate("two", index=2)]
    )
    assert failed.reward is None
    assert failed.failure is not None
    assert failed.failure.reason == "message_not_rendered"
    assert failed.failure.detail.endswith("a part of a message is not text")
    for score, text in ((first, "one"), (last, "two")):
        expected = plain(llama, chat(("user", ASK), ("assistant", text)))
        assert score.reward == pytest.approx(expected, abs=TOLERANCE)


@pytest.mark.parametrize("template_has_bos", [True, False])
@pytest.mark.parametrize("adds_bos", [True, False])
async def test_bos_stands_once(tmp_path: Path, template_has_bos: bool, adds_bos: bool) -> None:
    bos = "{{ bos_token }}" if template_has_bos else ""
    template = bos + classifier_replica.CHAT_TEMPLATE.removeprefix("{{ bos_token }}")
    weights = classifier_replica.write(tmp_path, chat_template=template, adds_bos=adds_bos)
    model = TransformersRewardModel.load(str(tmp_path), device="cpu")
    (score,) = await model.score(Request.from_prompt(ASK), [candidate("blue")])
    model.close()
    text = chat(("user", ASK), ("assistant", "blue"))
    if not (template_has_bos or adds_bos):
        text = text.removeprefix(BOS)
    assert score.tokens == len(classifier_replica.ids_of(tmp_path, text))
    assert score.reward == pytest.approx(
        classifier_replica.reference(tmp_path, weights, text), abs=TOLERANCE
    )


@pytest.mark.parametrize(("positions", "tokenizers", "limit"), [(40, None, 40), (256, 30, 30)])
async def test_over_long_text_fails_and_is_not_cut(
    tmp_path: Path, positions: int, tokenizers: int | None, limit: int
) -> None:
    classifier_replica.write(
        tmp_path, changes={"max_position_embeddings": positions}, model_max_length=tokenizers
    )
    model = TransformersRewardModel.load(str(tmp_path), device="cpu")
    start = len(classifier_replica.ids_of(tmp_path, chat(("user", "x"), ("assistant", ""))))
    texts = ["☂" * n for n in range(14)]
    lengths = [
        len(classifier_replica.ids_of(tmp_path, chat(("user", "x"), ("assistant", text))))
        for text in texts
    ]
    scores = await model.score(Request.from_prompt("x"), candidates(texts))
    model.close()
    assert start < limit < max(lengths)
    assert [score.reward is None for score in scores] == [length > limit for length in lengths]
    failure = scores[-1].failure
    assert failure is not None
    assert failure.reason == "too_long_for_reward_model"
    assert failure.detail == f"the text has {lengths[-1]} tokens, the model reads at most {limit}"


async def test_a_reward_that_is_not_finite_is_a_failure(tmp_path: Path) -> None:
    classifier_replica.write(tmp_path)
    model = TransformersRewardModel.load(str(tmp_path), device="cpu")
    reader: Any = model._batcher._forward
    with torch.no_grad():
        reader._head.module.weight.fill_(float("nan"))
    (score,) = await model.score(Request.from_prompt(ASK), [candidate("blue")])
    model.close()
    assert score.reward is None
    assert score.failure is not None
    assert score.failure.reason == "reward_not_finite"
    assert score.tokens > 0


async def test_no_candidates_need_no_forward(llama: Checkpoint) -> None:
    assert await llama.model.score(Request.from_prompt(ASK), []) == []


async def test_a_template_with_response_and_ended_writes_the_end_itself(tmp_path: Path) -> None:
    weights = classifier_replica.write(tmp_path, chat_template=None)
    template = (
        "{{ messages | length }} Q: {{ prompt }}\nA: {{ response }}"
        "{% if ended %}{{ eos_token }}{% endif %}"
    )
    model = TransformersRewardModel.load(str(tmp_path), template=template, device="cpu")
    given = [candidate("blue"), candidate("blue", "length", 1)]
    got = await rewards(model, Request.from_prompt(ASK, system="Be short."), given)
    model.close()
    texts = [f"{BOS}3 Q: {ASK}\nA: blue{END}", f"{BOS}3 Q: {ASK}\nA: blue"]
    expected = [classifier_replica.reference(tmp_path, weights, text) for text in texts]
    assert got == pytest.approx(expected, abs=TOLERANCE)


async def test_a_chat_template_given_by_the_user_is_cut_for_unfinished_text(tmp_path: Path) -> None:
    weights = classifier_replica.write(tmp_path, chat_template=None)
    model = TransformersRewardModel.load(
        str(tmp_path), template=classifier_replica.CHAT_TEMPLATE, device="cpu"
    )
    (got,) = await rewards(model, Request.from_prompt(ASK), [candidate("blue", "length")])
    model.close()
    text = chat(("user", ASK), ("assistant", "blue"), ended=False)
    expected = classifier_replica.reference(tmp_path, weights, text)
    assert got == pytest.approx(expected, abs=TOLERANCE)


@pytest.mark.parametrize("named", [True, False])
async def test_openrlhf_ends_in_a_space_and_the_end_token(tmp_path: Path, named: bool) -> None:
    template = "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}\n{% endfor %}"
    changes = {} if named else {"value_head_prefix": "score"}
    weights = classifier_replica.write(tmp_path, chat_template=template, changes=changes)
    model = TransformersRewardModel.load(
        str(tmp_path), format="openrlhf" if named else None, device="cpu"
    )
    given = [candidate("blue"), candidate("blue", "length", 1)]
    got = await rewards(model, Request.from_prompt(ASK), given)
    model.close()
    cut = f"{START}user\n{ASK}\n{START}assistant\nblue"  # and no BOS: the template has none
    expected = [
        classifier_replica.reference(tmp_path, weights, text) for text in (f"{cut} {END}", cut)
    ]
    assert got == pytest.approx(expected, abs=TOLERANCE)


async def test_skywork_v2_moves_system_text_into_the_first_question(llama: Checkpoint) -> None:
    model = TransformersRewardModel.load(str(llama.folder), format="skywork-v2", device="cpu")
    request = Request.from_prompt(ASK, system="Be short.")
    (got,) = await rewards(model, request, [candidate("blue")])
    model.close()
    text = chat(("user", f"Be short.\n\n{ASK}"), ("assistant", "blue"))
    assert got == pytest.approx(plain(llama, text), abs=TOLERANCE)


async def test_the_text_is_what_transformers_makes_of_the_same_messages(llama: Checkpoint) -> None:
    tokenizer: Any = AutoTokenizer.from_pretrained(llama.folder)
    messages = [{"role": "user", "content": ASK}, {"role": "assistant", "content": "blue "}]
    for reason, cut in (("stop", False), ("length", True)):
        text = tokenizer.apply_chat_template(messages, tokenize=False, continue_final_message=cut)
        (got,) = await rewards(llama.model, Request.from_prompt(ASK), [candidate("blue ", reason)])
        assert got == pytest.approx(plain(llama, text), abs=TOLERANCE)
