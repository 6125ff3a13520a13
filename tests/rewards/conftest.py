"""The checkpoints that several tests here read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from torch import Tensor

from bestofn.rewards.transformers import TransformersRewardModel
from tests.support.rewards import classifier_replica, ziya_replica


@dataclass(frozen=True)
class Checkpoint:
    folder: Path
    weights: dict[str, Tensor]
    model: TransformersRewardModel


@pytest.fixture(scope="session")
def ziya(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Checkpoint]:
    folder = tmp_path_factory.mktemp("ziya")
    weights = ziya_replica.write(folder)
    model = TransformersRewardModel.load(str(folder), device="cpu")
    yield Checkpoint(folder, weights, model)
    model.close()


@pytest.fixture(scope="session")
def llama(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Checkpoint]:
    folder = tmp_path_factory.mktemp("llama")
    weights = classifier_replica.write(folder)
    model = TransformersRewardModel.load(str(folder), device="cpu")
    yield Checkpoint(folder, weights, model)
    model.close()
