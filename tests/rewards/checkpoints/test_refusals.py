"""What is no reward model, or cannot be read, is refused with one sentence that says why."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from bestofn.core.errors import ConfigError, ModelError
from bestofn.rewards.transformers import TransformersRewardModel
from bestofn.support import checkpoint
from tests.support.rewards import classifier_replica


def refusal(model: Path | str, expected: type[Exception] = ModelError, **options: Any) -> str:
    """The sentence that `load` refuses with."""
    with pytest.raises(expected) as caught:
        TransformersRewardModel.load(str(model), **{"device": "cpu", **options})
    sentence = str(caught.value)
    assert "\n" not in sentence
    return sentence


@pytest.mark.parametrize("name", ["./nowhere", "/nowhere/at/all", "a/b/c"])
def test_a_path_that_does_not_exist(name: str) -> None:
    assert refusal(name) == f"{name} does not exist; name a folder or a model on the hub"


def test_a_hub_name_without_the_hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    sentence = refusal("somebody/some-reward-model")
    assert "is not in the hub's cache" in sentence
    assert "HF_HUB_OFFLINE" in sentence


def test_a_name_that_is_neither(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    assert "neither a folder nor a model's name" in refusal("bad name!")


def test_the_hub_gives_pickles_only_where_there_are_no_safetensors(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    asked: list[list[str]] = []

    def download(model: str, allow_patterns: list[str]) -> str:
        asked.append(allow_patterns)
        return str(tmp_path)

    monkeypatch.setattr(checkpoint, "snapshot_download", download)
    assert checkpoint.locate("somebody/model") == tmp_path
    assert [patterns[-1] for patterns in asked] == ["*.safetensors", "*.bin"]
    (tmp_path / "model.safetensors").touch()
    checkpoint.locate("somebody/model")
    assert len(asked) == 3


def test_a_file(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").touch()
    assert "is a file" in refusal(tmp_path / "model.safetensors")


def test_no_config(tmp_path: Path) -> None:
    assert refusal(tmp_path) == f"{tmp_path} holds no config.json: it is no checkpoint"


@pytest.mark.parametrize("content", ["{", "[1]", "\xff"])
def test_a_config_that_is_no_json_object(tmp_path: Path, content: str) -> None:
    (tmp_path / "config.json").write_bytes(content.encode("latin-1"))
    assert "config.json cannot be read" in refusal(tmp_path)


def test_a_language_model(tmp_path: Path) -> None:
    classifier_replica.write(tmp_path, changes={"architectures": ["LlamaForCausalLM"]})
    assert refusal(tmp_path).startswith("LlamaForCausalLM: no reward head;")


def test_no_architecture(tmp_path: Path) -> None:
    classifier_replica.write(tmp_path, changes={"architectures": None})
    assert "names no architecture" in refusal(tmp_path)


def test_an_architecture_that_nobody_knows(tmp_path: Path) -> None:
    classifier_replica.write(tmp_path, changes={"architectures": ["OddRewardModel"]})
    assert "OddRewardModel is no reward model that is known here" in refusal(tmp_path)


def test_code_that_came_with_the_checkpoint(tmp_path: Path) -> None:
    auto_map = {"AutoModelForSequenceClassification": "modeling_odd.OddRewardModel"}
    classifier_replica.write(
        tmp_path, changes={"architectures": ["OddRewardModel"], "auto_map": auto_map}
    )
    sentence = refusal(tmp_path)
    assert "brings its own code" in sentence
    assert "trust_remote_code=True" in sentence


def test_a_head_that_is_not_in_the_checkpoint(tmp_path: Path) -> None:
    classifier_replica.write(tmp_path)
    weights = load_file(tmp_path / "model.safetensors")
    del weights["score.weight"]
    save_file(weights, tmp_path / "model.safetensors", metadata={"format": "pt"})
    assert "lacks score.weight" in refusal(tmp_path)


def test_a_layer_that_is_not_in_the_checkpoint(tmp_path: Path) -> None:
    classifier_replica.write(tmp_path, changes={"num_hidden_layers": 4})
    assert "lacks model.layers.3." in refusal(tmp_path)


@pytest.mark.parametrize("labels", [2, 5])
def test_several_labels(tmp_path: Path, labels: int) -> None:
    names = {str(i): f"LABEL_{i}" for i in range(labels)}
    classifier_replica.write(tmp_path, changes={"id2label": names, "label2id": None})
    assert f"has {labels} labels, and no rule" in refusal(tmp_path)


def test_several_labels_that_the_config_does_not_mention(tmp_path: Path) -> None:
    classifier_replica.write(tmp_path, changes={"id2label": None, "label2id": None})
    weights = load_file(tmp_path / "model.safetensors")
    weights["score.weight"] = torch.zeros(2, classifier_replica.shape_of("llama").hidden)
    save_file(weights, tmp_path / "model.safetensors", metadata={"format": "pt"})
    assert "weights" in refusal(tmp_path)


def test_one_label_that_the_config_does_not_mention(tmp_path: Path) -> None:
    classifier_replica.write(tmp_path, changes={"id2label": None, "label2id": None})
    TransformersRewardModel.load(str(tmp_path), device="cpu").close()


def test_weights_that_are_cut_short(tmp_path: Path) -> None:
    classifier_replica.write(tmp_path)
    path = tmp_path / "model.safetensors"
    path.write_bytes(path.read_bytes()[:2000])
    assert refusal(tmp_path).startswith(f"the weights in {tmp_path} cannot be read: ")


def test_a_pickle_that_is_noise(tmp_path: Path) -> None:
    classifier_replica.write(tmp_path)
    (tmp_path / "model.safetensors").unlink()
    (tmp_path / "pytorch_model.bin").write_bytes(b"noise" * 100)
    assert "cannot be read" in refusal(tmp_path)


def test_no_weights(tmp_path: Path) -> None:
    classifier_replica.write(tmp_path)
    (tmp_path / "model.safetensors").unlink()
    assert "cannot be read" in refusal(tmp_path)


def test_a_shard_that_is_absent(tmp_path: Path) -> None:
    weights = classifier_replica.write(tmp_path)
    (tmp_path / "model.safetensors").unlink()
    where = dict.fromkeys(weights, "model-00001-of-00001.safetensors")
    index = {"metadata": {}, "weight_map": where}
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps(index))
    assert "cannot be read" in refusal(tmp_path)


def test_no_tokenizer(tmp_path: Path) -> None:
    classifier_replica.write(tmp_path)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        (tmp_path / name).unlink()
    assert "the tokenizer in" in refusal(tmp_path)


def test_nothing_says_how_the_text_is_made(tmp_path: Path) -> None:
    classifier_replica.write(tmp_path, chat_template=None)
    sentence = refusal(tmp_path)
    assert "has no chat template" in sentence
    assert "give a format or a template" in sentence


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"format": "zyia"}, "no format is called zyia; there are beaver, beaver-cost, chat, "),
        ({"format": "ziya", "template": "x"}, "format and template are both given"),
        ({"template": "{% if %}"}, "line 1 of the template: "),
        ({"device": "abacus"}, "device abacus is none of torch's"),
        ({"dtype": "float3"}, "dtype float3 is none of"),
        ({"dtype": "int8"}, "dtype int8 is none of"),
        ({"max_batch_tokens": 0}, "max_batch_tokens: must be at least 1"),
        ({"threads": 0}, "threads: must be at least 1"),
        ({"quantization": "int8"}, "quantization: must be '8bit' or '4bit'"),
        ({"too_long": "cut"}, "too_long: must be 'error', 'truncate_left' or 'truncate_right'"),
    ],
)
def test_wrong_arguments(tmp_path: Path, options: dict[str, Any], sentence: str) -> None:
    classifier_replica.write(tmp_path)
    assert sentence in refusal(tmp_path, ConfigError, **options)


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a GPU")
def test_a_gpu_that_is_not_there(tmp_path: Path) -> None:
    classifier_replica.write(tmp_path)
    assert "has no GPU" in refusal(tmp_path, ConfigError, device="cuda")
