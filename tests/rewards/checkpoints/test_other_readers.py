"""Models that read for themselves: OpenAssistant's encoder, and code that comes with a folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from bestofn.core.errors import ModelError
from bestofn.core.types import Request
from bestofn.rewards.transformers import TransformersRewardModel
from tests.support.rewards import classifier_replica, deberta_replica
from tests.support.rewards.calls import candidate, candidates, rewards

ASK = "what is the colour of the sky?"
TEXTS = ("It is blue.", "no", "The kettle sings while the rain falls on the roof.", " two  spaces")


async def test_oasst_reads_the_pair_that_its_tokenizer_makes(tmp_path: Path) -> None:
    tokenizer, network = deberta_replica.write(tmp_path)
    model = TransformersRewardModel.load(str(tmp_path), device="cpu")
    cut = candidate("no", "length", 4)
    got = await rewards(model, Request.from_prompt(ASK), [*candidates(TEXTS), cut])
    (alone,) = await rewards(model, Request.from_prompt(ASK), [candidate(TEXTS[2])])
    folded = Request.from_prompt(ASK, system="Be short.")
    (with_system,) = await rewards(model, folded, [candidate("no")])
    model.close()
    expected = []
    pairs = [(ASK, text) for text in (*TEXTS, "no")] + [(f"Be short.\n\n{ASK}", "no")]
    for pair in pairs:
        with torch.inference_mode():
            expected.append(network(**tokenizer(*pair, return_tensors="pt")).logits.item())
    assert max(expected) - min(expected) > 0.01
    assert [*got, with_system] == pytest.approx(expected, abs=1e-5)
    assert alone == pytest.approx(expected[2], abs=1e-5)


REMOTE = """
from dataclasses import dataclass
import torch
from transformers import PretrainedConfig, PreTrainedModel
from transformers.utils import ModelOutput


class GatedConfig(PretrainedConfig):
    model_type = "gated-reward"


@dataclass
class Output(ModelOutput):
    rewards: torch.Tensor = None
    score: torch.Tensor = None
    logits: torch.Tensor = None


class GatedRewardModel(PreTrainedModel):
    config_class = GatedConfig

    def __init__(self, config):
        super().__init__(config)
        self.weight = torch.nn.Parameter(torch.zeros(400))
        self.post_init()

    def forward(self, input_ids, attention_mask=None):
        assert attention_mask.all()
        values = self.weight[input_ids].sum(-1)
        parts = torch.stack([values, 2 * values, 3 * values], -1)
        RETURN
"""
RETURNS = {
    "score": "return Output(rewards=parts, score=values, logits=parts)",  # ArmoRM
    "column": "return Output(rewards=parts, score=values[:, None])",  # QRM
    "logits": "return Output(logits=values[:, None])",  # URM
    "tensor": "return values",
    "several": "return Output(logits=parts)",
    "nothing": "return Output(rewards=parts)",
    "fault": "raise ValueError('no such token pattern')",
}


@pytest.fixture
def gated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    modules = tmp_path / "modules"
    monkeypatch.setattr("transformers.dynamic_module_utils.HF_MODULES_CACHE", str(modules))
    monkeypatch.syspath_prepend(str(modules))

    def write(kind: str, architecture: str = "GatedRewardModel") -> Path:
        folder = tmp_path / f"gated_{kind}"
        folder.mkdir()
        classifier_replica.write_tokenizer(folder, classifier_replica.CHAT_TEMPLATE)
        (folder / "modeling_gated.py").write_text(REMOTE.replace("RETURN", RETURNS[kind]))
        auto_map = {
            "AutoConfig": "modeling_gated.GatedConfig",
            "AutoModelForSequenceClassification": "modeling_gated.GatedRewardModel",
        }
        config = {"architectures": [architecture], "model_type": "gated-reward"}
        classifier_replica.write_config(folder, {**config, "auto_map": auto_map})
        save_file({"weight": torch.arange(400) / 100}, folder / "model.safetensors")
        return folder

    return write


@pytest.mark.parametrize("kind", ["score", "column", "logits", "tensor"])
async def test_remote_code_is_read_at_its_score_or_its_logits(gated: Any, kind: str) -> None:
    folder = gated(kind)
    with pytest.raises(ModelError, match="brings its own code: trust_remote_code=True"):
        TransformersRewardModel.load(str(folder), device="cpu")
    model = TransformersRewardModel.load(str(folder), device="cpu", trust_remote_code=True)
    got = await rewards(model, Request.from_prompt(ASK), candidates(TEXTS))
    model.close()
    expected = []
    for text in TEXTS:
        shown = classifier_replica.chat(("user", ASK), ("assistant", text))
        expected.append(sum(classifier_replica.ids_of(folder, shown)) / 100)
    assert got == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize(
    ("kind", "sentence"),
    [
        ("several", r"gives \(2, 3\) for two texts, in its logits: a reward model gives one"),
        ("nothing", "gives NoneType for two texts, in its logits"),
        ("fault", "cannot score a short conversation: ValueError: no such token pattern"),
    ],
)
def test_remote_code_that_gives_no_one_number_is_refused(
    gated: Any, kind: str, sentence: str
) -> None:
    with pytest.raises(ModelError, match=sentence):
        TransformersRewardModel.load(str(gated(kind)), device="cpu", trust_remote_code=True)


def test_code_under_a_name_of_transformers_is_told_by_the_head(gated: Any) -> None:
    folder = gated("logits", "LlamaForSequenceClassification")
    with pytest.raises(ModelError, match="brings its own code"):
        TransformersRewardModel.load(str(folder), device="cpu")
    TransformersRewardModel.load(str(folder), device="cpu", trust_remote_code=True).close()
