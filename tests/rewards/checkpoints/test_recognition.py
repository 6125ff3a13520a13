"""What a checkpoint is taken for, and what is refused, with one sentence each."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from bestofn.core.types import Request
from bestofn.rewards.checkpoints.loading import NAMED, NATIVE
from bestofn.rewards.checkpoints.tensors import tensor_names
from bestofn.rewards.text.formats import FORMATS, recognised_format
from bestofn.rewards.transformers import TransformersRewardModel
from tests.rewards.checkpoints.test_refusals import refusal
from tests.support.rewards import classifier_replica
from tests.support.rewards.calls import candidate, rewards
from tests.support.rewards.internlm2_replica import ASK
from tests.support.rewards.replicas import REPLICAS
from tests.support.rewards.step_replicas import STEP_REPLICAS

MODEL = "model.safetensors"


def test_every_family_has_its_reader_and_its_facts() -> None:
    assert {*NATIVE, *NAMED, "chat", "skywork-v2", "oasst", "remote-code"} == {*FORMATS}
    for known in FORMATS.values():
        assert known.family
        assert known.examples
    assert {name for name, known in FORMATS.items() if known.aggregate} == {*STEP_REPLICAS}
    assert {replica.name for replica in REPLICAS.values()} | {*STEP_REPLICAS, "ziya"} == {
        *NATIVE,
        *NAMED,
    }


@pytest.mark.parametrize(
    ("config", "tensors", "name"),
    [
        ({"architectures": ["LlamaRewardModel"]}, ["value_head.weight"], "ziya"),
        ({"architectures": ["LlamaRewardModel"]}, ["regression_head.weight"], "ultrarm"),
        ({"architectures": ["LlamaRewardModel"]}, ["other.weight"], "ziya"),  # lacks its head
        ({"architectures": ["LlamaRewardModel"]}, [], "ziya"),
        ({"architectures": ["LlamaForScore"], "score_type": "cost"}, [], "beaver-cost"),
        ({"architectures": ["LlamaForScore"], "score_type": "reward"}, [], "beaver"),
        ({"architectures": ["DebertaV2ForSequenceClassification"]}, [], "oasst"),
        (
            {"architectures": ["DebertaV2ForSequenceClassification"], "type_vocab_size": 2},
            [],
            None,
        ),
        ({"architectures": ["X"], "value_head_prefix": "score"}, [], "openrlhf"),
        ({"architectures": ["LlamaForSequenceClassification"]}, ["score.weight"], None),
        ({"architectures": ["LlamaForCausalLM"]}, [], None),
        ({}, [], None),
    ],
)
def test_recognition(config: dict[str, Any], tensors: list[str], name: str | None) -> None:
    found = recognised_format(config, tensors)
    assert (found and found.name) == name


def shard(folder: Path, *, pickles: bool, shards: int = 2) -> None:
    """Split the one file of a checkpoint into shards with an index."""
    weights = load_file(folder / MODEL)
    (folder / MODEL).unlink()
    stem, end = ("pytorch_model", "bin") if pickles else ("model", "safetensors")
    where = {
        name: f"{stem}-{at % shards + 1:05d}-of-{shards:05d}.{end}"
        for at, name in enumerate(sorted(weights))
    }
    for file in set(where.values()):
        held = {name: weights[name].clone() for name in where if where[name] == file}
        if pickles:
            torch.save(held, folder / file)
        else:
            save_file(held, folder / file, metadata={"format": "pt"})
    (folder / f"{stem}.{end}.index.json").write_text(
        json.dumps({"metadata": {"total_size": 0}, "weight_map": where})
    )


@pytest.mark.parametrize("layout", ["one", "one pickle", "shards", "pickles"])
@pytest.mark.parametrize("name", ["ultrarm", "internlm2"])
async def test_every_layout_of_files_is_read(tmp_path: Path, name: str, layout: str) -> None:
    replica = REPLICAS[name]
    weights = replica.write(tmp_path)
    if layout == "one pickle":
        torch.save(load_file(tmp_path / MODEL), tmp_path / "pytorch_model.bin")
        (tmp_path / MODEL).unlink()
    elif layout != "one":
        shard(tmp_path, pickles=layout == "pickles")
    assert tensor_names(tmp_path) == weights.keys()
    model = TransformersRewardModel.load(str(tmp_path), device="cpu")
    assert model._loaded.format.name == name
    (got,) = await rewards(model, Request.from_prompt(ASK), [candidate("blue")])
    model.close()
    expected = replica.read(replica.ids(tmp_path, "blue", True), weights)
    assert got == pytest.approx(expected, abs=1e-5)


def cut_short(folder: Path) -> None:
    path = folder / MODEL
    path.write_bytes(path.read_bytes()[:5000])


def noise_in_a_pickle(folder: Path) -> None:
    (folder / MODEL).unlink()
    (folder / "pytorch_model.bin").write_bytes(b"noise" * 100)


class _Payload:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return print, ("a pickle ran",)


def code_in_a_pickle(folder: Path) -> None:
    weights: dict[str, Any] = {**load_file(folder / MODEL), "further": _Payload()}
    (folder / MODEL).unlink()
    torch.save(weights, folder / "pytorch_model.bin")


def corrupt_shard(folder: Path) -> None:
    shard(folder, pickles=False)
    path = sorted(folder.glob("model-*.safetensors"))[-1]
    path.write_bytes(path.read_bytes()[:5000])


def corrupt_pickle(folder: Path) -> None:
    shard(folder, pickles=True)
    path = sorted(folder.glob("pytorch_model-*.bin"))[-1]
    path.write_bytes(path.read_bytes()[:5000])


def absent_shard(folder: Path) -> None:
    shard(folder, pickles=False)
    sorted(folder.glob("model-*.safetensors"))[-1].unlink()


def broken_index(folder: Path) -> None:
    shard(folder, pickles=False)
    (folder / "model.safetensors.index.json").write_text("{")


@pytest.mark.parametrize(
    "damage",
    [
        cut_short,
        noise_in_a_pickle,
        code_in_a_pickle,
        corrupt_shard,
        corrupt_pickle,
        absent_shard,
        broken_index,
    ],
)
@pytest.mark.parametrize("name", ["eurus", "internlm2"])
def test_damaged_weights_are_refused(
    tmp_path: Path,
    name: str,
    damage: Callable[[Path], None],
    capsys: pytest.CaptureFixture[str],
) -> None:
    REPLICAS[name].write(tmp_path)
    damage(tmp_path)
    assert f"the weights in {tmp_path} cannot be read: " in refusal(tmp_path)
    assert "a pickle ran" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "head"),
    [
        ("openrlhf", "value_head.weight"),
        ("eurus", "regression_head.weight"),
        ("beaver", "score_head.weight"),
        ("internlm2", "v_head.weight"),
        ("qwen-math-rm", "score.2.bias"),
    ],
)
def test_a_head_that_is_missing_is_refused(tmp_path: Path, name: str, head: str) -> None:
    REPLICAS[name].write(tmp_path)
    weights = load_file(tmp_path / MODEL)
    del weights[head]
    save_file(weights, tmp_path / MODEL, metadata={"format": "pt"})
    assert f"lacks {head}" in refusal(tmp_path)


def test_a_step_model_without_its_lm_head_is_refused(tmp_path: Path) -> None:
    STEP_REPLICAS["rlhflow-prm"].write(tmp_path)
    weights = load_file(tmp_path / MODEL)
    del weights["lm_head.weight"]
    save_file(weights, tmp_path / MODEL, metadata={"format": "pt"})
    assert "lacks lm_head.weight" in refusal(tmp_path, format="rlhflow-prm")


def change(folder: Path, **changes: Any) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


@pytest.mark.parametrize(
    ("name", "changes", "sentence"),
    [
        ("openrlhf-normalised", {"std": 0}, "says normalize_reward, but mean is 1.5 and std is 0"),
        ("openrlhf-normalised", {"mean": None}, "mean is None"),
        ("openrlhf", {"model_type": "bert"}, "lacks bert."),
        ("openrlhf", {"model_type": "odd"}, "config.json cannot be used"),
        ("beaver", {"do_normalize": True}, "says do_normalize, which is not done here"),
        ("beaver", {"score_dim": 2}, "has score_dim 2 and score_type reward"),
        ("beaver", {"score_type": "critic"}, "score_type critic: known are one reward, or one"),
        ("internlm2", {"rope_scaling": {"type": "yarn"}}, "rope_scaling yarn is not read here"),
        ("internlm2", {"hidden_size": "x"}, "config.json cannot be used"),
        ("internlm2", {"num_hidden_layers": 4}, "lacks model.layers.3."),
    ],
)
def test_what_a_config_says_and_nobody_does_is_refused(
    tmp_path: Path, name: str, changes: dict[str, Any], sentence: str
) -> None:
    REPLICAS[name].write(tmp_path)
    change(tmp_path, **changes)
    assert sentence in refusal(tmp_path)


def test_internlm2_with_biases_is_refused(tmp_path: Path) -> None:
    weights = REPLICAS["internlm2"].write(tmp_path)
    bias = {"model.layers.0.attention.wqkv.bias": torch.zeros(96)}
    save_file({**weights, **bias}, tmp_path / MODEL)
    assert "has biases in its attention" in refusal(tmp_path)


@pytest.mark.parametrize("name", ["internlm2", "eurus"])
def test_a_tokenizer_that_is_absent_is_refused(tmp_path: Path, name: str) -> None:
    REPLICAS[name].write(tmp_path)
    for file in ("tokenizer.json", "tokenizer.model"):
        (tmp_path / file).unlink(missing_ok=True)
    assert "cannot be read" in refusal(tmp_path)


def test_a_step_mark_that_is_no_token_is_refused(tmp_path: Path) -> None:
    STEP_REPLICAS["qwen-math-prm"].write(tmp_path)
    classifier_replica.write_tokenizer(tmp_path, classifier_replica.CHAT_TEMPLATE)
    assert "<extra_0>, after each step, is no token of" in refusal(tmp_path)
    STEP_REPLICAS["rlhflow-prm"].write(tmp_path)
    assert "are not one token each" in refusal(tmp_path, format="math-shepherd")


def test_a_language_model_is_told_of_the_formats_that_read_one(tmp_path: Path) -> None:
    classifier_replica.write(tmp_path, changes={"architectures": ["LlamaForCausalLM"]})
    assert "judges steps (rlhflow-prm, math-shepherd)" in refusal(tmp_path)


def test_an_unknown_architecture_names_the_nearest(tmp_path: Path) -> None:
    for found, near in (("InternLM2ForReward", "InternLM2ForRewardModel"), ("EurusRM", "Eurus")):
        classifier_replica.write(tmp_path, changes={"architectures": [found]})
        sentence = refusal(tmp_path)
        assert sentence.startswith(f"{found} is no reward model that is known here; the nearest")
        assert near in sentence
        assert sentence.endswith("(all: bestofn models)")


def test_weights_that_nobody_uses_are_logged(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    weights = REPLICAS["qwen-math-rm"].write(tmp_path)
    save_file({**weights, "lm_head.weight": torch.zeros(4, 4)}, tmp_path / MODEL)
    with caplog.at_level("WARNING", logger="bestofn"):  # whatever engines set before
        TransformersRewardModel.load(str(tmp_path), device="cpu").close()
    assert "holds 1 weights that are not used: lm_head.weight" in caplog.text
