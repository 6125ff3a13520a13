"""The pair that the plans are made for."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.sparse_checkpoints import LLAMA_3_8B, LLAMA_7B_REWARD, tensors_of, write


@pytest.fixture(scope="session")
def generator_8b(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Llama-3.1-8B's headers, bfloat16, in four shards."""
    folder = tmp_path_factory.mktemp("sparse") / "llama-8b"
    return write(folder, LLAMA_3_8B, tensors_of(LLAMA_3_8B, "BF16"), shards=4)


@pytest.fixture(scope="session")
def reward_7b(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A 7B reward model's headers, stored in float32 as Ziya's are."""
    folder = tmp_path_factory.mktemp("sparse") / "reward-7b"
    return write(folder, LLAMA_7B_REWARD, tensors_of(LLAMA_7B_REWARD, "F32"))
