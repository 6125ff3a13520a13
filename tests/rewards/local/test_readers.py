"""The read-out: padding, models that read for themselves, and running out of memory."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
import transformers
from safetensors.torch import save_file
from tokenizers import processors
from torch import Tensor, nn

from bestofn.core.errors import ModelError
from bestofn.core.types import Request
from bestofn.rewards.local.padding import pad_right
from bestofn.rewards.local.readers import Head, PaddedReader, WholeModelReader
from bestofn.rewards.transformers import TransformersRewardModel
from tests.support.rewards import classifier_replica
from tests.support.rewards.calls import candidate, candidates, forwards, rewards, values

CPU = torch.device("cpu")


def test_padding_is_on_the_right_and_masked() -> None:
    inputs = pad_right([[5, 6, 7], [8]], CPU)
    assert inputs["input_ids"].tolist() == [[5, 6, 7], [8, 0, 0]]
    assert inputs["attention_mask"].tolist() == [[1, 1, 1], [1, 0, 0]]
    assert "attention_mask" not in pad_right([[5, 6], [8, 9]], CPU)


class Trunk(nn.Module):
    """Hidden state = the id."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(1))

    def forward(self, input_ids: Tensor, use_cache: bool, **inputs: Tensor) -> Any:
        return SimpleNamespace(last_hidden_state=input_ids[..., None].double())


def identity() -> nn.Linear:
    head = nn.Linear(1, 1)
    with torch.no_grad():
        head.weight.fill_(1.0)
        head.bias.fill_(0.5)
    return head


def test_the_reward_is_read_at_each_last_id_with_the_heads_bias() -> None:
    reader = PaddedReader(Trunk(), Head(identity()))
    assert values(reader([[1, 2, 0], [3], [4, 0]])) == [0.5, 3.5, 0.5]


def test_a_text_can_be_read_at_several_places() -> None:
    marks = Head(identity(), lambda ids: [i for i, token in enumerate(ids) if token > 5])
    found = PaddedReader(Trunk(), marks)([[6, 1, 7], [8], [1, 9, 2]])
    assert [reading.values for reading in found] == [(6.5, 7.5), (8.5,), (9.5,)]
    assert [reading.tokens for reading in found] == [3, 1, 3]


@pytest.mark.parametrize("output", ["tensor", "column", "logits"])
def test_a_model_that_reads_for_itself_may_return_any_of_three(output: str) -> None:
    class Own(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.ones(1))

        def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Any:
            sums = (input_ids * attention_mask).sum(-1) * self.weight
            return {
                "tensor": sums,
                "column": sums[:, None],
                "logits": SimpleNamespace(logits=sums[:, None]),
            }[output]

    reader = WholeModelReader(Own(), pads=True)
    assert values(reader([[1, 2], [3, 4]])) == [3.0, 7.0]
    assert values(reader([[1, 2], [3]])) == [3.0, 3.0]


async def test_an_encoder_reads_between_its_own_special_tokens(tmp_path: Path) -> None:
    tokenizer = classifier_replica.write_tokenizer(tmp_path, None, model_max_length=64)
    begin, end = (tokenizer.get_vocab()[token] for token in ("<|begin|>", "<|im_end|>"))
    tokenizer.post_processor = processors.BertProcessing(("<|im_end|>", end), ("<|begin|>", begin))
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    torch.manual_seed(0)
    config = transformers.BertConfig(  # type: ignore[call-arg]
        vocab_size=340,
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        num_labels=1,
        initializer_range=0.5,
    )
    build: Any = transformers.AutoModelForSequenceClassification.from_config
    network = build(config)
    network.eval()
    network.save_pretrained(tmp_path)
    model = TransformersRewardModel.load(
        str(tmp_path), template="{{ prompt }}\n{{ response }}", device="cpu"
    )
    texts = ["It is blue.", "no", "The rain falls on the roof."]
    cut = candidate("no", "length", 3)
    got = await rewards(model, Request.from_prompt("sky?"), [*candidates(texts), cut])
    model.close()
    expected = []
    for text in [*texts, "no"]:
        pieces = tokenizer.encode(f"sky?\n{text}", add_special_tokens=False).ids
        with torch.inference_mode():
            expected.append(network(torch.tensor([[begin, *pieces, end]])).logits.item())
    assert got == pytest.approx(expected, abs=1e-5)


REMOTE = """
import torch
from transformers import PretrainedConfig, PreTrainedModel


class OddConfig(PretrainedConfig):
    model_type = "odd-reward"


class OddRewardModel(PreTrainedModel):
    config_class = OddConfig

    def __init__(self, config):
        super().__init__(config)
        self.weight = torch.nn.Parameter(torch.zeros(400))
        self.post_init()

    def forward(self, input_ids, attention_mask=None):
        return self.weight[input_ids].sum(-1)  # does not heed the mask
"""


async def test_trusted_code_runs_without_padding(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    modules = tmp_path / "modules"
    monkeypatch.setattr("transformers.dynamic_module_utils.HF_MODULES_CACHE", str(modules))
    monkeypatch.syspath_prepend(str(modules))
    folder = tmp_path / "odd_reward"
    folder.mkdir()
    tokenizer = classifier_replica.write_tokenizer(folder, classifier_replica.CHAT_TEMPLATE)
    (folder / "modeling_odd.py").write_text(REMOTE)
    auto_map = {
        "AutoConfig": "modeling_odd.OddConfig",
        "AutoModel": "modeling_odd.OddRewardModel",
    }
    config = {"architectures": ["OddRewardModel"], "model_type": "odd-reward", "num_labels": 1}
    classifier_replica.write_config(folder, {**config, "auto_map": auto_map})
    weights = torch.arange(400) / 100
    save_file({"weight": weights}, folder / "model.safetensors")
    with pytest.raises(ModelError, match="trust_remote_code=True"):
        TransformersRewardModel.load(str(folder), device="cpu")
    model = TransformersRewardModel.load(str(folder), device="cpu", trust_remote_code=True)
    texts = ["blue", "red", "It is blue.", "blue"]
    with forwards(model) as sizes:
        got = await rewards(model, Request.from_prompt("sky?"), candidates(texts))
    model.close()
    ids = [
        tokenizer.encode(
            classifier_replica.chat(("user", "sky?"), ("assistant", text)),
            add_special_tokens=False,
        ).ids
        for text in texts
    ]
    assert got == pytest.approx([float(weights[row].sum()) for row in ids], abs=1e-4)
    assert sorted(sizes) == sorted(
        sum(len(row) == length for row in ids) for length in {len(row) for row in ids}
    )


def test_a_head_that_is_read_by_pad_id_is_refused(tmp_path: Path) -> None:
    classifier_replica.write_tokenizer(tmp_path, classifier_replica.CHAT_TEMPLATE)
    config = transformers.CTRLConfig(  # type: ignore[call-arg]
        vocab_size=340, n_embd=16, dff=16, n_layer=1, n_head=2, num_labels=1
    )
    build: Any = transformers.AutoModelForSequenceClassification.from_config
    network = build(config)
    network.save_pretrained(tmp_path)
    with pytest.raises(ModelError, match="where its head reads the text is not known"):
        TransformersRewardModel.load(str(tmp_path), device="cpu")
