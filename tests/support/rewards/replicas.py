"""A small checkpoint of each natively read family, with its head names and quirks.

Each knows the ids and the rewards that its own text should give, computed in plain PyTorch of the
weights as they stand in the checkpoint.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from tests.support.rewards import classifier_replica, internlm2_replica, plain_llama
from tests.support.rewards.classifier_replica import BOS, END
from tests.support.rewards.internlm2_replica import ASK, Weights, save


@dataclass(frozen=True)
class Replica:
    """A family's small checkpoint.

    Args:
        name: the format that it is, or has to be named.
        write: makes the checkpoint in an empty folder, and returns its weights.
        ids: of the model's text for (folder, answer, ended).
        read: reward of (ids, weights).
        options: of `TransformersRewardModel.load`.
        marks_end: whether an answer that ended is shown so.
    """

    name: str
    write: Callable[[Path], Weights]
    ids: Callable[[Path, str, bool], list[int]]
    read: Callable[[Sequence[int], Weights], float]
    options: Mapping[str, Any] = field(default_factory=dict)
    marks_end: bool = True


def llama(folder: Path, changes: Mapping[str, Any], family: str = "llama") -> dict[str, Tensor]:
    """A classifier whose config says otherwise; its head is `score.weight`, to be renamed."""
    weights = classifier_replica.write(
        folder, family, changes={"id2label": None, "label2id": None, **changes}
    )
    return dict(weights)


def renamed(
    folder: Path,
    head: str,
    changes: Mapping[str, Any],
    *,
    family: str = "llama",
    bias: bool = False,
    further: Mapping[str, Tensor] | None = None,
) -> Weights:
    """A sequence classifier whose head has another name."""
    weights = llama(folder, changes, family)
    weights[f"{head}.weight"] = weights.pop("score.weight")
    if bias:
        weights[f"{head}.bias"] = torch.tensor([0.7])
    return save(folder, {**weights, **(further or {})})


def text_ids(
    make: Callable[[str, bool], str], lead: str = ""
) -> Callable[[Path, str, bool], list[int]]:
    """The ids of a text that spells its own special tokens."""
    return lambda folder, answer, ended: classifier_replica.ids_of(
        folder, lead + make(answer, ended)
    )


def head_reading(
    head: str, family: str = "llama", finish: Callable[[float], float] = float
) -> Callable[[Sequence[int], Weights], float]:
    """The linear head at the last id."""
    shape = classifier_replica.shape_of(family)
    return lambda ids, weights: finish(plain_llama.reward(ids, weights, shape, head))


def chat(answer: str, ended: bool) -> str:
    """The question and an answer in the replicas' own template."""
    return classifier_replica.chat(("user", ASK), ("assistant", answer), ended=ended)


def mlp(states: Tensor, weights: Weights) -> Tensor:
    """linear, ReLU, linear, written out."""
    inner = states @ weights["score.0.weight"].T + weights["score.0.bias"]
    return inner.clamp(min=0) @ weights["score.2.weight"].T + weights["score.2.bias"]


def write_mlp(architecture: str, labels: int) -> Callable[[Path], Weights]:
    """A writer of checkpoints whose head is linear, ReLU, linear."""

    def write(folder: Path) -> Weights:
        changes = {"architectures": [architecture], "num_labels": labels}
        weights = llama(folder, changes, "qwen2")
        del weights["score.weight"]
        generator = torch.Generator().manual_seed(5)
        size = classifier_replica.shape_of("qwen2").hidden
        weights |= {
            "score.0.weight": torch.randn(size, size, generator=generator) / 5,
            "score.0.bias": torch.randn(size, generator=generator),
            "score.2.weight": torch.randn(labels, size, generator=generator) / 5,
            "score.2.bias": torch.randn(labels, generator=generator),
        }
        return save(folder, weights)

    return write


def read_mlp(ids: Sequence[int], weights: Weights) -> float:
    """The first label of such a head at the last id."""
    states = plain_llama.states(ids, weights, classifier_replica.shape_of("qwen2"))
    return float(mlp(states[-1], weights)[0])


ULTRA = f"Human: {ASK}\n\nAssistant: "
BEAVER = f"BEGINNING OF CONVERSATION: USER: {ASK} ASSISTANT:"
NO_TEMPLATE_BOS = {"architectures": ["OddName"], "value_head_prefix": "value_head"}


def _openrlhf(normalize: bool) -> Callable[[Path], Weights]:
    changes = {"mean": 1.5, "std": 2.0, "normalize_reward": normalize}
    return lambda folder: renamed(folder, "value_head", {**NO_TEMPLATE_BOS, **changes})


REPLICAS = {
    "openrlhf": Replica("openrlhf", _openrlhf(False), text_ids(chat), head_reading("value_head")),
    "openrlhf-normalised": Replica(
        "openrlhf",
        _openrlhf(True),
        text_ids(chat),
        head_reading("value_head", finish=lambda value: (value - 1.5) / 2.0),
    ),
    "ultrarm": Replica(
        "ultrarm",
        lambda folder: renamed(folder, "regression_head", {"architectures": ["LlamaRewardModel"]}),
        text_ids(lambda answer, ended: ULTRA + answer, BOS),
        head_reading("regression_head"),
        marks_end=False,
    ),
    "eurus": Replica(
        "eurus",
        lambda folder: renamed(
            folder, "regression_head", {"architectures": ["EurusRewardModel"]}, family="mistral"
        ),
        text_ids(lambda answer, ended: f"[INST] {ASK} [\\INST] {answer}", BOS),
        head_reading("regression_head", "mistral"),
        marks_end=False,
    ),
    "beaver": Replica(
        "beaver",
        lambda folder: renamed(
            folder,
            "score_head",
            {"architectures": ["LlamaModelForScore"], "score_type": "reward", "score_dim": 1},
            further={"normalizer.mean": torch.zeros(1), "normalizer.var": torch.ones(1)},
        ),
        text_ids(lambda answer, ended: BEAVER + answer + (END if ended else ""), BOS),
        head_reading("score_head"),
    ),
    "beaver-cost": Replica(
        "beaver-cost",
        lambda folder: renamed(
            folder,
            "score_head",
            {"architectures": ["LlamaForScore"], "score_type": "cost", "do_normalize": False},
            bias=True,
        ),
        text_ids(lambda answer, ended: BEAVER + answer + (END if ended else ""), BOS),
        head_reading("score_head", finish=lambda value: -value),
    ),
    "internlm2": Replica(
        "internlm2", internlm2_replica.write, internlm2_replica.ids, internlm2_replica.read
    ),
    "qwen-math-rm": Replica(
        "qwen-math-rm", write_mlp("Qwen2ForRewardModel", 1), text_ids(chat), read_mlp
    ),
}
"""Outcome models; those of transformers' own classifiers and Ziya's are beside this folder."""
