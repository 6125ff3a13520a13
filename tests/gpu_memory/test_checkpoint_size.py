"""Sizes of weights are those of the headers, whatever is stored in which type."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bestofn import embedded
from bestofn.core.errors import ModelError
from bestofn.gpu_memory.checkpoint_size import weight_sizes
from bestofn.gpu_memory.from_models import plan_for
from bestofn.gpu_memory.planner import Card
from tests.support.sparse_checkpoints import LLAMA_3_8B, LLAMA_7B_REWARD, tensors_of, write


def test_a_model_of_full_size_is_what_its_headers_say(generator_8b: Path, reward_7b: Path) -> None:
    # 8,030,261,248 parameters are published for Llama-3.1-8B
    assert weight_sizes(str(generator_8b)).on_device() == 2 * 8_030_261_248
    reward = weight_sizes(str(reward_7b))
    assert reward.matrices + reward.others == 6_738_415_616 - 32_000 * 4096 + 4096 + 4096
    assert reward.on_device() == 2 * (reward.matrices + reward.others)
    assert reward.on_device(4) == 2 * reward.on_device()


def test_quantised_matrices_shrink_and_the_rest_does_not(reward_7b: Path) -> None:
    sizes = weight_sizes(str(reward_7b))
    assert sizes.matrices == 32 * (4 * 4096**2 + 3 * 4096 * 11008)
    assert sizes.on_device(2, "8bit") == pytest.approx(sizes.matrices + 2 * sizes.others, rel=2e-3)
    assert sizes.on_device(2, "4bit") == pytest.approx(
        0.5625 * sizes.matrices + 2 * sizes.others, rel=1e-6
    )


def test_what_is_stored_in_eight_bits_stays_so(tmp_path: Path) -> None:
    tensors = {
        "model.layers.0.mlp.up_proj.weight": ("F8_E4M3", (64, 32)),
        "model.layers.0.mlp.up_proj.weight_scale": ("F32", (1,)),
        "model.embed_tokens.weight": ("BF16", (100, 32)),
    }
    sizes = weight_sizes(str(write(tmp_path / "fp8", LLAMA_3_8B, tensors)))
    assert (sizes.fixed_bytes, sizes.matrices, sizes.others) == (64 * 32, 0, 3201)
    assert sizes.on_device(2, "4bit") == sizes.on_device() == 64 * 32 + 2 * 3201


@pytest.mark.model
@pytest.mark.parametrize("config", [LLAMA_3_8B, LLAMA_7B_REWARD])
def test_the_tensors_of_these_tests_are_those_of_transformers(config: dict[str, Any]) -> None:
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM, LlamaForSequenceClassification

    settings = LlamaConfig(**{k: v for k, v in config.items() if k != "model_type"})
    kind: Any = LlamaForSequenceClassification if "num_labels" in config else LlamaForCausalLM
    with torch.device("meta"):
        model = kind(settings)
    theirs = {name: ("F32", tuple(held.shape)) for name, held in model.state_dict().items()}
    assert tensors_of(config, "F32") == theirs


@pytest.mark.model
def test_pickles_are_read_for_their_sizes(tmp_path: Path) -> None:
    import torch

    torch.save({"model.norm.weight": torch.zeros(5), "a": torch.zeros(3, 4)}, tmp_path / "a.bin")
    torch.save({"b": torch.zeros(7, dtype=torch.int8)}, tmp_path / "b.bin")
    torch.save(Path("/what/a/trainer/leaves"), tmp_path / "training_args.bin")
    sizes = weight_sizes(str(tmp_path))
    assert (sizes.matrices, sizes.others, sizes.fixed_bytes) == (12, 5, 7)


def test_the_embedded_pair() -> None:
    for folder in (embedded.generator_path(), embedded.reward_path()):
        on_disk = sum(file.stat().st_size for file in folder.glob("*.safetensors"))
        sizes = weight_sizes(str(folder))
        assert 0 < sizes.matrices * 2 < sizes.on_device() <= on_disk * 2


def test_no_weights_and_broken_headers_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="holds no weights"):
        weight_sizes(str(tmp_path))
    (tmp_path / "model.safetensors").write_bytes(b"\x05\0\0\0\0\0\0\0{nope")
    with pytest.raises(ModelError, match=r"headers of .* cannot be read"):
        weight_sizes(str(tmp_path))


@pytest.mark.parametrize(
    ("header", "body", "sentence"),
    [
        ({"a": ("F32", [10**6, 10**6], [0, 40])}, 40, "a is 1000000x1000000 of F32, and has 40"),
        ({"a": ("F32", [10], [0, 40])}, 12, "bytes, and its header says"),
        ({"a": ("F32", [10], [0, 40])}, 4000, "bytes, and its header says"),
        ({"a": ("F32", [-10, -1], [0, 40])}, 40, "a is -10x-1 of F32"),
        ({"a": ("F32", [10], [40, 0])}, 40, "a is 10 of F32, and has -40"),
        ({"a": ("F32", [10], [10**12, 10**12 + 40])}, 40, "and its header says"),
        ({"a": ("F32", "x", [0, 40])}, 40, "headers of"),
        ({"a": ("F32", [10], [0])}, 40, "headers of"),
        ({"a": ("F32", ["x"], [0, 40])}, 40, "headers of"),
    ],
)
def test_headers_that_lie_are_not_believed(
    tmp_path: Path, header: Any, body: int, sentence: str
) -> None:
    held = {
        name: {"dtype": dtype, "shape": shape, "data_offsets": at}
        for name, (dtype, shape, at) in header.items()
    }
    packed = json.dumps(held).encode()
    path = tmp_path / "model.safetensors"
    path.write_bytes(len(packed).to_bytes(8, "little") + packed + bytes(body))
    with pytest.raises(ModelError, match=sentence) as caught:
        weight_sizes(str(tmp_path))
    assert "\n" not in str(caught.value)


@pytest.mark.model
def test_a_pickle_that_is_none_is_refused(tmp_path: Path) -> None:
    (tmp_path / "pytorch_model.bin").write_bytes(b"\x05\0\0\0\0\0\0\0{nope")
    with pytest.raises(ModelError, match=r"pytorch_model\.bin cannot be read"):
        weight_sizes(str(tmp_path))


@pytest.mark.model
def test_torchs_advice_to_run_what_a_pickle_holds_is_not_passed_on(tmp_path: Path) -> None:
    (tmp_path / "pytorch_model.bin").write_bytes(b"noise" * 100)
    with pytest.raises(ModelError, match="more than tensors: save it as safetensors"):
        weight_sizes(str(tmp_path))


@pytest.mark.parametrize("changes", [{"num_hidden_layers": -1}, {"num_attention_heads": 0}])
def test_a_config_that_cannot_be_is_refused_by_the_plan(tmp_path: Path, changes: Any) -> None:
    folder = write(tmp_path / "x", LLAMA_3_8B | changes, {"a": ("F32", (1,))})
    with pytest.raises(ModelError, match=f"{next(iter(changes))} is -?[01], and it must be"):
        plan_for(str(folder), [], Card.empty(2**36), best_of=8, response_tokens=64)
