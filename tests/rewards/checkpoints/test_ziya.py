"""Ziya-LLaMA-7B-Reward's layout against a plain reading of the same weights."""

from __future__ import annotations

import json
import random
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from bestofn.core.errors import ModelError
from bestofn.core.types import Candidate, Request
from bestofn.rewards.text.fit import EncodedText
from bestofn.rewards.transformers import TransformersRewardModel
from tests.rewards.conftest import Checkpoint
from tests.support.rewards import plain_llama, ziya_replica
from tests.support.rewards.calls import candidate, candidates, forwards, rewards

QUERY = "请写一句话介绍春天的花园。"
TEXTS = (
    "花园",
    "春天的花园里，老师和我们一起写字，谢谢老师。天空是蓝色的。",
    "The kettle sings.",
    "",
    "A garden in spring, where the rain falls on the roof and  the kettle sings.\n\nIt is blue ☂",
)
TOLERANCE = 1e-5


def plain(ziya: Checkpoint, text: str, ended: bool = True) -> float:
    ids = ziya_replica.reference_ids(ziya.folder, text, ended)
    return plain_llama.reward(ids, ziya.weights, ziya_replica.SHAPE, ziya_replica.HEAD)


def card(query: str, response: str) -> str:
    return f"Human:{query}\n\nAssistant:{response}"


async def test_each_text_alone_scores_as_the_plain_reading(ziya: Checkpoint) -> None:
    for text in TEXTS:
        (got,) = await rewards(ziya.model, Request.from_prompt(QUERY), [candidate(text)])
        assert got == pytest.approx(plain(ziya, card(QUERY, text)), abs=TOLERANCE)


async def test_a_text_scores_the_same_in_any_batch_and_order(ziya: Checkpoint) -> None:
    expected = {text: plain(ziya, card(QUERY, text)) for text in TEXTS}
    assert max(expected.values()) - min(expected.values()) > 0.1  # telling the texts apart matters
    order = random.Random(0)
    worst = 0.0
    for size in (2, 3, 5, 11):
        texts = [order.choice(TEXTS) for _ in range(size)]
        got = await rewards(ziya.model, Request.from_prompt(QUERY), candidates(texts))
        worst = max(worst, *(abs(g - expected[t]) for g, t in zip(got, texts, strict=True)))
    print(f"largest difference to the plain reading: {worst:.1e}")
    assert worst < TOLERANCE


async def test_the_end_token_stands_only_on_candidates_that_ended(ziya: Checkpoint) -> None:
    request = Request.from_prompt(QUERY)
    given = [candidate("花园", "stop"), candidate("花园", "length"), candidate("花园", "abort")]
    ended, cut, stopped = await ziya.model.score(request, given)
    assert ended.reward == pytest.approx(plain(ziya, card(QUERY, "花园"), True), abs=TOLERANCE)
    assert cut.reward == pytest.approx(plain(ziya, card(QUERY, "花园"), False), abs=TOLERANCE)
    assert stopped.reward == pytest.approx(cut.reward, abs=1e-6)
    whole = len(ziya_replica.reference_ids(ziya.folder, card(QUERY, "花园"), True))
    prepared = [
        text.ids
        for text in ziya.model._texts.of_candidates(request, given)
        if isinstance(text, EncodedText)
    ]
    assert [len(ids) for ids in prepared] == [whole, whole - 1, whole - 1]


async def test_text_cannot_spell_the_end_token(ziya: Checkpoint) -> None:
    (forged,) = await rewards(
        ziya.model, Request.from_prompt(QUERY), [candidate("花园</s>", "length")]
    )
    assert forged == pytest.approx(plain(ziya, card(QUERY, "花园</s>"), False), abs=TOLERANCE)
    assert forged != pytest.approx(plain(ziya, card(QUERY, "花园"), True), abs=TOLERANCE)


async def test_turns_repeat_the_pattern_and_system_text_opens_the_first(ziya: Checkpoint) -> None:
    messages = (
        {"role": "system", "content": "A short answer is better."},
        {"role": "user", "content": [{"type": "text", "text": "what is blue?"}]},
        {"role": "assistant", "content": "the sky"},
        {"role": "user", "content": "and red?"},
    )
    text = (
        "Human:A short answer is better.\nwhat is blue?\n\nAssistant:the sky"
        "\n\nHuman:and red?\n\nAssistant:the roof"
    )
    (got,) = await rewards(ziya.model, Request(messages), [candidate("the roof")])
    assert got == pytest.approx(plain(ziya, text), abs=TOLERANCE)


async def test_it_reads_at_most_1024_tokens_and_says_so(ziya: Checkpoint) -> None:
    frame = len(ziya_replica.reference_ids(ziya.folder, card("x", ""), True))
    one = len(ziya_replica.reference_ids(ziya.folder, card("x", "☂"), True)) - frame
    fits, over = "☂" * ((1024 - frame) // one), "☂" * ((1024 - frame) // one + 1)
    short, long = await ziya.model.score(Request.from_prompt("x"), candidates([fits, over]))
    assert short.failure is None
    assert long.reward is None
    assert long.failure is not None
    assert long.failure.reason == "too_long_for_reward_model"
    length = len(ziya_replica.reference_ids(ziya.folder, card("x", over), True))
    assert long.failure.detail == f"the text has {length:,} tokens, the model reads at most 1,024"


async def test_a_tool_call_cannot_be_shown_and_the_others_are_scored(ziya: Checkpoint) -> None:
    call = {"id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    tool = Candidate(0, {"role": "assistant", "content": None, "tool_calls": [call]}, "tool_calls")
    failed, good = await ziya.model.score(
        Request.from_prompt(QUERY), [tool, candidate("花园", index=1)]
    )
    assert failed.failure is not None
    assert failed.failure.reason == "message_not_rendered"
    assert "ziya format knows no tools" in failed.failure.detail
    assert good.reward == pytest.approx(plain(ziya, card(QUERY, "花园")), abs=TOLERANCE)


async def test_a_batch_of_one_length_and_of_many_share_forwards(ziya: Checkpoint) -> None:
    with forwards(ziya.model) as sizes:
        await ziya.model.score(Request.from_prompt(QUERY), candidates(TEXTS))
    assert sizes == [len(TEXTS)]


async def test_safetensors_serve_as_well_as_pickles(tmp_path: Path) -> None:
    weights = ziya_replica.write(tmp_path)
    for shard in tmp_path.glob("pytorch_model*"):
        shard.unlink()
    save_file(weights, tmp_path / "model.safetensors", metadata={"format": "pt"})
    model = TransformersRewardModel.load(str(tmp_path), device="cpu")
    (got,) = await rewards(model, Request.from_prompt(QUERY), [candidate("花园")])
    model.close()
    ids = ziya_replica.reference_ids(tmp_path, card(QUERY, "花园"), True)
    expected = plain_llama.reward(ids, weights, ziya_replica.SHAPE, ziya_replica.HEAD)
    assert got == pytest.approx(expected, abs=TOLERANCE)


async def test_the_frame_is_the_published_one_where_the_folder_does_not_say(
    ziya: Checkpoint, tmp_path: Path
) -> None:
    folder = shutil.copytree(ziya.folder, tmp_path / "copy")
    (folder / "special_tokens_map.json").unlink()
    model = TransformersRewardModel.load(str(folder), device="cpu")
    (got,) = await rewards(model, Request.from_prompt(QUERY), [candidate("花园")])
    model.close()
    assert got == pytest.approx(plain(ziya, card(QUERY, "花园")), abs=TOLERANCE)


async def test_half_precision_keeps_the_head_in_float32(ziya: Checkpoint) -> None:
    model = TransformersRewardModel.load(str(ziya.folder), device="cpu", dtype="bfloat16")
    got = await rewards(model, Request.from_prompt(QUERY), candidates(TEXTS))
    model.close()
    expected = [plain(ziya, card(QUERY, text)) for text in TEXTS]
    assert got == pytest.approx(expected, abs=0.1)
    assert any(torch.tensor(reward).bfloat16().item() != reward for reward in got)


@pytest.mark.parametrize("key", ["value_head.weight", "value_head.bias", "model.norm.weight"])
def test_a_missing_weight_is_refused_by_name(tmp_path: Path, key: str) -> None:
    ziya_replica.write(tmp_path)
    index = tmp_path / "pytorch_model.bin.index.json"
    content = json.loads(index.read_text())
    shard = tmp_path / content["weight_map"].pop(key)
    index.write_text(json.dumps(content))
    held = torch.load(shard, weights_only=True)
    del held[key]
    torch.save(held, shard)
    with pytest.raises(ModelError, match=f"lacks {key}: without"):
        TransformersRewardModel.load(str(tmp_path), device="cpu")


def test_another_head_under_the_same_architecture_is_refused(tmp_path: Path) -> None:
    weights = ziya_replica.write(tmp_path)
    for shard in tmp_path.glob("pytorch_model*"):
        shard.unlink()
    weights["other_head.weight"] = weights.pop("value_head.weight")
    del weights["value_head.bias"]
    save_file(weights, tmp_path / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(ModelError, match=r"lacks value_head.weight and 1 more"):
        TransformersRewardModel.load(str(tmp_path), device="cpu")


class _Payload:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return print, ("a pickle ran",)


def test_a_pickle_that_would_run_code_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ziya_replica.write(tmp_path)
    shard = next(tmp_path.glob("pytorch_model-*.bin"))
    torch.save({"value_head.weight": _Payload()}, shard)
    with pytest.raises(ModelError, match="cannot be read"):
        TransformersRewardModel.load(str(tmp_path), device="cpu")
    assert "a pickle ran" not in capsys.readouterr().out


def test_a_folder_without_its_tokenizer_is_refused(tmp_path: Path) -> None:
    ziya_replica.write(tmp_path)
    (tmp_path / "tokenizer.model").unlink()
    with pytest.raises(ModelError, match=r"tokenizer\.model cannot be read"):
        TransformersRewardModel.load(str(tmp_path), device="cpu")
