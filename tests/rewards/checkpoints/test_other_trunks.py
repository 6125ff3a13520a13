"""Trunks whose positions or attention differ from Llama's, against their own unpadded forward."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoConfig, AutoModelForSequenceClassification

from bestofn.core.types import Request
from bestofn.rewards.transformers import TransformersRewardModel
from tests.support.rewards import classifier_replica
from tests.support.rewards.calls import candidates, rewards
from tests.support.rewards.classifier_replica import chat

COMMON = {"vocab_size": 340, "num_labels": 1, "pad_token_id": 2, "eos_token_id": 2}
SIZES = {
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
}
TRUNKS: dict[str, dict[str, Any]] = {
    "gpt2": {"n_embd": 32, "n_layer": 2, "n_head": 4},  # learned positions
    "opt": {**SIZES, "ffn_dim": 64, "word_embed_proj_dim": 32},  # learned, counted from the mask
    "bloom": {"hidden_size": 32, "n_layer": 2, "n_head": 4},  # ALiBi, from the mask
    "gemma2": {**SIZES, "num_key_value_heads": 2, "head_dim": 8, "sliding_window": 4},
    "mixtral": {**SIZES, "num_key_value_heads": 2},  # experts
}
TEXTS = ("It is blue.", "no", "The rain falls on the roof while the kettle sings.", "天")


@pytest.mark.parametrize("kind", TRUNKS)
async def test_a_batch_scores_as_each_text_alone(tmp_path: Path, kind: str) -> None:
    torch.manual_seed(0)
    build: Any = AutoModelForSequenceClassification.from_config
    network = build(AutoConfig.for_model(kind, **COMMON, **TRUNKS[kind])).eval()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.2)
    network.save_pretrained(tmp_path)
    classifier_replica.write_tokenizer(tmp_path, classifier_replica.CHAT_TEMPLATE)
    model = TransformersRewardModel.load(str(tmp_path), device="cpu")
    got = await rewards(model, Request.from_prompt("sky?"), candidates(TEXTS))
    model.close()
    expected = []
    for text in TEXTS:
        ids = classifier_replica.ids_of(tmp_path, chat(("user", "sky?"), ("assistant", text)))
        with torch.inference_mode():
            hidden = network.base_model(torch.tensor([ids])).last_hidden_state
            expected.append(network.score(hidden[0, -1]).item())
    assert max(expected) - min(expected) > 0.1
    assert got == pytest.approx(expected, abs=1e-5)
