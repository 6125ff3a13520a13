"""Folders that are not what they seem: refused with one sentence when they are loaded, or read."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from tokenizers import AddedToken, Tokenizer
from torch import Tensor

from bestofn.core.errors import ModelError
from bestofn.core.types import Request
from bestofn.rewards.transformers import TransformersRewardModel
from tests.support.rewards import classifier_replica
from tests.support.rewards.calls import candidate

Change = Callable[[dict[str, Tensor]], dict[str, Tensor]]
ANSWERS = ["The answer is 3.", "two", ""]
LFS = "version https://git-lfs.github.com/spec/v1\noid sha256:aa\nsize 1\n"


def edit(folder: Path, name: str = "config.json", **changes: Any) -> None:
    path = folder / name
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def reweigh(folder: Path, change: Change) -> None:
    path = folder / "model.safetensors"
    weights = {name: tensor.contiguous() for name, tensor in change(load_file(path)).items()}
    save_file(weights, path, metadata={"format": "pt"})


async def rewards(folder: Path, *answers: str) -> list[float | str | None]:
    model = TransformersRewardModel.load(str(folder), device="cpu")
    given = [candidate(text) for text in answers or ANSWERS]
    scores = await model.score(Request.from_prompt("What is 8 - 5?"), given)
    model.close()
    return [score.failure.reason if score.failure else score.reward for score in scores]


def refusal(folder: Path) -> str:
    with pytest.raises(ModelError) as caught:
        TransformersRewardModel.load(str(folder), device="cpu")
    sentence = str(caught.value)
    assert "\n" not in sentence
    assert str(folder) in sentence
    assert "weights_only" not in sentence
    return sentence


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"num_hidden_layers": -1}, "num_hidden_layers is -1, and it must be a whole number"),
        ({"num_hidden_layers": 0}, "num_hidden_layers is 0"),
        ({"num_hidden_layers": 10**9}, "num_hidden_layers is 1000000000"),
        ({"num_hidden_layers": 1}, "holds model.layers.1.input_layernorm.weight and 17 more"),
        ({"num_attention_heads": 0}, "num_attention_heads is 0"),
        ({"num_attention_heads": 3}, "shapes are not those that its config.json says"),
        ({"num_key_value_heads": 0}, "num_key_value_heads is 0"),
        ({"head_dim": 0}, "head_dim is 0"),
        ({"head_dim": 7}, "even rotary dimension"),
        ({"hidden_size": "x"}, "hidden_size is 'x'"),
        ({"vocab_size": -5}, "vocab_size is -5"),
        ({"architectures": [5]}, "architectures is [5], and it must be a list of names"),
        ({"architectures": "Llama"}, "architectures is 'Llama'"),
        ({"architectures": {"a": 1}}, "architectures is {'a': 1}"),
        ({"model_type": {"a": 1}}, "model_type is {'a': 1}, and it must be a name"),
        ({"model_type": "nonsense"}, "model type `nonsense`"),
        ({"text_config": {"num_hidden_layers": 0}}, "num_hidden_layers is 0"),
        ({"text_config": 5}, "text_config is 5, and it must be an object"),
        ({"id2label": [1]}, "id2label is [1]"),
        ({"num_labels": "1"}, "num_labels is '1'"),
        ({"rope_scaling": 5}, "rope_parameters"),
        ({"hidden_act": "nope"}, "nope"),
        ({"pad_token_id": 10**9}, "Padding_idx"),
        ({"torch_dtype": "nonsense"}, "nonsense"),
        ({"quantization_config": {"quant_method": "gptq", "bits": 4}}, "optimum"),
        (
            {"quantization_config": {"quant_method": "bitsandbytes", "load_in_4bit": True}},
            "name the model as it was before that, and quantization: 4bit",
        ),
    ],
    ids=str,
)
def test_a_config_that_cannot_be(tmp_path: Path, changes: Any, sentence: str) -> None:
    classifier_replica.write(tmp_path)
    edit(tmp_path, **changes)
    assert sentence in refusal(tmp_path)


@pytest.mark.parametrize("name", ["config.json", "tokenizer_config.json"])
def test_a_file_that_is_nested_too_deep(tmp_path: Path, name: str) -> None:
    classifier_replica.write(tmp_path)
    (tmp_path / name).write_text('{"a":' * 100_000)
    assert "cannot be read: RecursionError" in refusal(tmp_path)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda w: {k: v * 1e30 for k, v in w.items()}, "gives 0 for each of 3 different texts"),
        (lambda w: {k: v * (k != "score.weight") for k, v in w.items()}, "gives 0 for each"),
        (lambda w: {k: v / (k != "score.weight") for k, v in w.items()}, "no finite number"),
        (lambda w: {k: v * float("nan") for k, v in w.items()}, "no finite number"),
        (lambda w: w | {"score.weight": w["score.weight"].repeat(2, 1)}, "have 2 rows in score.w"),
        (lambda w: w | {"score.bias": torch.ones(1)}, "holds score.bias, for which"),
        (lambda w: w | {"v_head.weight": torch.ones(1, 2)}, "holds v_head.weight, for which"),
        (
            lambda w: w | {"model.layers.7.mlp.up_proj.weight": torch.ones(1, 2)},
            "holds model.layers.7.mlp.up_proj.weight, for which",
        ),
    ],
    ids=["scaled", "no-head", "infinite", "nan", "two-rows", "bias", "two-heads", "layer"],
)
def test_weights_that_nothing_can_be_chosen_by(
    tmp_path: Path, change: Change, sentence: str
) -> None:
    classifier_replica.write(tmp_path)
    reweigh(tmp_path, change)
    assert sentence in refusal(tmp_path)


@pytest.mark.parametrize(
    "change",
    [
        lambda w: {f"module.{k}": v for k, v in w.items()},
        lambda w: {f"_orig_mod.{k}": v for k, v in w.items()},
        lambda w: {f"_orig_mod.module.{k}": v for k, v in w.items()},
        lambda w: {f"base_model.model.{k}": v for k, v in w.items()},
        lambda w: {k.replace("model.", "model._orig_mod.", 1): v for k, v in w.items()},
        lambda w: w | {"lm_head.weight": torch.zeros(4, 4)},
        lambda w: w | {"model.layers.0.self_attn.rotary_emb.inv_freq": torch.zeros(4)},
    ],
    ids=["parallel", "compiled", "both", "adapter", "inside", "lm_head", "buffer"],
)
async def test_what_training_left_in_the_weights_changes_nothing(
    tmp_path: Path, change: Change
) -> None:
    classifier_replica.write(tmp_path)
    expected = await rewards(tmp_path)
    reweigh(tmp_path, change)
    assert await rewards(tmp_path) == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("name", ["model.safetensors", "tokenizer.json", "config.json"])
def test_a_pointer_of_git_lfs(tmp_path: Path, name: str) -> None:
    classifier_replica.write(tmp_path)
    (tmp_path / name).write_text(LFS)
    said = refusal(tmp_path)
    assert f"{name} is a Git-LFS pointer" in said
    assert said.endswith(f"run git lfs pull in {tmp_path}")


def test_an_adapter_is_to_be_merged(tmp_path: Path) -> None:
    base = {"peft_type": "LORA", "base_model_name_or_path": "org/base"}
    (tmp_path / "adapter_config.json").write_text(json.dumps(base))
    save_file(
        {"base_model.model.score.weight": torch.zeros(1, 8)}, tmp_path / "adapter_model.safetensors"
    )
    assert "is an adapter of org/base and no whole model: merge it" in refusal(tmp_path)


async def test_llamafactorys_value_head_is_read(tmp_path: Path) -> None:
    weights = classifier_replica.write(tmp_path)
    expected = [
        classifier_replica.reference(
            tmp_path,
            weights,
            classifier_replica.chat(("user", "What is 8 - 5?"), ("assistant", text)),
        )
        + 0.5
        for text in ANSWERS
    ]
    head = {
        "v_head.summary.weight": weights["score.weight"],
        "v_head.summary.bias": torch.ones(1) / 2,
    }
    edit(tmp_path, architectures=["LlamaForCausalLM"])
    reweigh(
        tmp_path,
        lambda w: (
            {k: v for k, v in w.items() if k != "score.weight"}
            | {"lm_head.weight": torch.zeros(340, 4)}
        ),
    )
    save_file(head, tmp_path / "value_head.safetensors")
    assert await rewards(tmp_path) == pytest.approx(expected, abs=1e-3)
    save_file({"v_head.summary.weight": torch.zeros(2, 4)}, tmp_path / "value_head.safetensors")
    assert "has 2 rows" in refusal(tmp_path)
    save_file({"other": torch.zeros(2, 4)}, tmp_path / "value_head.safetensors")
    assert "holds no matrix v_head.summary.weight" in refusal(tmp_path)


class _Ran:
    def __reduce__(self) -> Any:
        return (exec, ("raise SystemExit('it ran')",))


def test_a_pickle_that_holds_code_is_neither_run_nor_recommended(tmp_path: Path) -> None:
    weights = classifier_replica.write(tmp_path)
    (tmp_path / "model.safetensors").unlink()
    torch.save({**weights, "x": _Ran()}, tmp_path / "pytorch_model.bin")
    assert refusal(tmp_path).endswith("holds more than tensors: save it as safetensors")


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("tokenizer.json", '{"a": 1}', "the tokenizer in"),
        ("tokenizer.json", "[]", "the tokenizer in"),
        ("tokenizer_config.json", "[]", "the tokenizer in"),
        ("model.safetensors.index.json", "[]", "the weights in"),
        (
            "model.safetensors.index.json",
            '{"weight_map": {"a": "../../etc/passwd"}}',
            "the weights",
        ),
    ],
)
def test_a_file_of_another_form(tmp_path: Path, name: str, content: str, sentence: str) -> None:
    classifier_replica.write(tmp_path)
    if name.endswith("index.json"):
        (tmp_path / "model.safetensors").unlink()
    (tmp_path / name).write_text(content)
    assert sentence in refusal(tmp_path)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"chat_template": 5}, "the chat template of"),
        ({"chat_template": {}}, "has no chat template"),
        ({"model_max_length": "x"}, "model_max_length is 'x'"),
        ({"model_max_length": 4}, "can read no answer: of one letter, the text has"),
        ({"bos_token": 5}, "bos_token"),
        ({"added_tokens_decoder": 5}, "the tokenizer in"),
    ],
)
def test_a_tokenizer_config_that_cannot_be(tmp_path: Path, changes: Any, sentence: str) -> None:
    classifier_replica.write(tmp_path)
    edit(tmp_path, "tokenizer_config.json", **changes)
    assert sentence in refusal(tmp_path)


def _add(folder: Path, *tokens: str | AddedToken) -> None:
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.add_special_tokens([token for token in tokens if isinstance(token, str)])
    tokenizer.add_tokens([token for token in tokens if not isinstance(token, str)])
    tokenizer.save(str(folder / "tokenizer.json"))


async def test_a_token_beyond_the_embeddings_costs_its_own_answer(tmp_path: Path) -> None:
    classifier_replica.write(tmp_path)
    _add(tmp_path, "<image_soft_token>", AddedToken("<extra>", special=False))
    got = await rewards(tmp_path, "fine", "see <image_soft_token> here", "an <extra> here", "too")
    assert got[2] == "token_without_embedding"
    assert all(isinstance(got[at], float) for at in (0, 1, 3))


def test_a_template_that_writes_a_token_beyond_the_embeddings(tmp_path: Path) -> None:
    classifier_replica.write(tmp_path, chat_template=classifier_replica.CHAT_TEMPLATE + "<extra>")
    _add(tmp_path, AddedToken("<extra>", special=False))
    assert "do not belong together: its text holds token 340" in refusal(tmp_path)
