"""How attention is told of a packed sequence."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from bestofn.rewards.local.packed_attention import (
    Packing,
    UnsupportedError,
    packed_as,
    packed_attention,
)
from bestofn.rewards.local.packed_reader import PackedReader
from bestofn.rewards.transformers import TransformersRewardModel
from tests.support.rewards import classifier_replica


def test_a_sequence_that_nobody_described_is_refused() -> None:
    query = torch.zeros(1, 2, 4, 8)
    with packed_as(Packing([slice(0, 4)], [])):
        out, _ = packed_attention(None, query, query, query, None)
        assert out.shape == (1, 4, 2, 8)
    with pytest.raises(UnsupportedError, match="not told how the sequence is packed"):
        packed_attention(None, query, query, query, None)


def test_blocks_get_only_tensors_that_change_with_the_texts(tmp_path: Path) -> None:
    """torch 2.11 compiles a block again for each length of a list among its arguments."""
    classifier_replica.write(tmp_path)
    model = TransformersRewardModel.load(str(tmp_path), device="cpu")
    reader: Any = model._batcher._forward
    assert isinstance(reader, PackedReader)
    given: list[dict[str, Any]] = []
    for layer in reader.model.layers:  # type: ignore[union-attr]  # a trunk has some
        layer.register_forward_pre_hook(
            lambda _module, _args, kwargs: given.append(kwargs), with_kwargs=True
        )
    reader([[1, 2, 3], [1, 2, 4, 5]])
    reader([[7]])
    model.close()
    first, *_, last = given
    other = {name for name in first if not _of_tensors(first[name])}
    assert "position_ids" in first
    assert {name: first[name] for name in other} == {name: last[name] for name in other}


def _of_tensors(value: object) -> bool:
    return all(isinstance(each, torch.Tensor) for each in value) if isinstance(value, tuple) else (
        isinstance(value, torch.Tensor)
    )  # fmt: skip
