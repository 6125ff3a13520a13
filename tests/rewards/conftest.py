"""The checkpoints that several tests here read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:  # they take seconds to load, also where none of the tests below is asked for
    from torch import Tensor

    from bestofn.rewards.transformers import TransformersRewardModel


@dataclass(frozen=True)
class Checkpoint:
    folder: Path
    weights: dict[str, Tensor]
    model: TransformersRewardModel


@pytest.fixture(scope="session")
def ziya(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Checkpoint]:
    from bestofn.rewards.transformers import TransformersRewardModel
    from tests.support.rewards import ziya_replica

    folder = tmp_path_factory.mktemp("ziya")
    weights = ziya_replica.write(folder)
    model = TransformersRewardModel.load(str(folder), device="cpu")
    yield Checkpoint(folder, weights, model)
    model.close()


@pytest.fixture(scope="session")
def llama(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Checkpoint]:
    from bestofn.rewards.transformers import TransformersRewardModel
    from tests.support.rewards import classifier_replica

    folder = tmp_path_factory.mktemp("llama")
    weights = classifier_replica.write(folder)
    model = TransformersRewardModel.load(str(folder), device="cpu")
    yield Checkpoint(folder, weights, model)
    model.close()
