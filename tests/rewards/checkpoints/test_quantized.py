"""Reward models whose matrices bitsandbytes quantises; on a CPU here, by the same code."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from bitsandbytes.nn.modules import Linear4bit, Linear8bitLt
from torch import nn
from transformers import LlamaConfig, LlamaForSequenceClassification

from bestofn.core.errors import ConfigError
from bestofn.core.types import Request
from bestofn.rewards.checkpoints.weights import HEADS
from bestofn.rewards.transformers import TransformersRewardModel
from bestofn.settings.choices import Quantization
from tests.rewards.conftest import Checkpoint
from tests.support.rewards import calls, classifier_replica
from tests.support.rewards.calls import candidates
from tests.support.rewards.replicas import REPLICAS

REQUEST = Request.from_prompt("Write one sentence about a garden in spring.")
ANSWERS = ["花园", "spring is in the garden", "a short answer", "水的污染来自工厂和农田。" * 3]
QUANTISED = {"8bit": Linear8bitLt, "4bit": Linear4bit}


async def _rewards(folder: Path, **options: Any) -> list[float]:
    model = TransformersRewardModel.load(str(folder), device="cpu", **options)
    try:
        together = await calls.rewards(model, REQUEST, candidates(ANSWERS))
        for answer, reward in zip(ANSWERS, together, strict=True):
            (alone,) = await calls.rewards(model, REQUEST, candidates([answer]))
            assert alone == pytest.approx(reward, abs=0.02 * (max(together) - min(together)))
        return together
    finally:
        model.close()


@pytest.mark.parametrize(("kind", "far"), [("8bit", 0.1), ("4bit", 0.5)])
async def test_rewards_stay_close_alone_and_together(
    tmp_path: Path, kind: Quantization, far: float
) -> None:
    # bitsandbytes' kernels for the CPU want matrices wider than those of the other replicas
    config = LlamaConfig(
        vocab_size=340,
        hidden_size=128,
        intermediate_size=256,
        num_hidden_layers=3,
        num_attention_heads=4,
    )
    config.num_labels = 1
    torch.manual_seed(0)
    LlamaForSequenceClassification(config).save_pretrained(tmp_path)  # type: ignore[no-untyped-call]
    classifier_replica.write_tokenizer(tmp_path, classifier_replica.CHAT_TEMPLATE)
    exact = await _rewards(tmp_path)
    quantised = await _rewards(tmp_path, quantization=kind)
    differences = [abs(a - b) for a, b in zip(exact, quantised, strict=True)]
    assert 0 < max(differences) < far * (max(exact) - min(exact))


@pytest.mark.parametrize("kind", list(QUANTISED))
@pytest.mark.parametrize("family", list(REPLICAS))
def test_every_family_has_its_matrices_quantised_and_its_head_not(
    tmp_path: Path, family: str, kind: Quantization, monkeypatch: pytest.MonkeyPatch
) -> None:
    replica = REPLICAS[family]
    replica.write(tmp_path)
    made: list[nn.Module] = []

    def kept(module: nn.Module, flag: bool) -> nn.Module:
        made.append(module)
        return module

    monkeypatch.setattr(nn.Module, "requires_grad_", kept)
    TransformersRewardModel.load(
        str(tmp_path), device="cpu", quantization=kind, **replica.options
    ).close()
    matrices = {
        name: type(part) for name, part in made[-1].named_modules() if isinstance(part, nn.Linear)
    }
    heads = {name for name in matrices if name.split(".")[0] in HEADS}
    assert heads
    assert {matrices[name] for name in heads} == {nn.Linear}
    assert {how for name, how in matrices.items() if name not in heads} == {QUANTISED[kind]}


def test_what_quantises_is_an_extra(monkeypatch: pytest.MonkeyPatch, llama: Checkpoint) -> None:
    monkeypatch.setattr("bestofn.rewards.checkpoints.weights.find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"pip install 'bestofn-middleware\[quantized\]'"):
        TransformersRewardModel.load(str(llama.folder), quantization="8bit")
