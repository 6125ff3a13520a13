"""Reward models whose layers torch.compile has made, against the same without."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torch._dynamo.utils import counters

from bestofn.core.errors import ModelError
from bestofn.core.types import Request
from bestofn.rewards.local.compiling import compile_layers
from bestofn.rewards.transformers import TransformersRewardModel
from tests.support.rewards import calls, classifier_replica, deberta_replica, ziya_replica
from tests.support.rewards.calls import candidates

pytestmark = pytest.mark.slow

REQUEST = Request.from_prompt("Write one sentence about a garden in spring.")
FIRST = ["花园", "spring is in the garden", "a short answer", "水的污染来自工厂和农田。" * 3]
LATER = ["a", "the rain falls on the roof", *FIRST, "x y z " * 20]

ROUNDING = 3e-5
"""Compiled kernels add in another order, and in another one on each kind of CPU: on one of two a
DeBERTa replica moves by 1.5e-5, on the other by less than 1e-5."""


@pytest.mark.parametrize(
    "write", [classifier_replica.write, ziya_replica.write, deberta_replica.write]
)
async def test_rewards_are_those_of_the_model_as_it_is(
    tmp_path: Path, write: Callable[[Path], Any]
) -> None:
    write(tmp_path)
    plain = TransformersRewardModel.load(str(tmp_path), device="cpu")
    compiled = TransformersRewardModel.load(str(tmp_path), device="cpu", compile=True)
    try:
        known: list[int] = []
        for texts in (FIRST, LATER, LATER[::-1], FIRST[:1], LATER[2:5]):
            expected = await calls.rewards(plain, REQUEST, candidates(texts))
            assert await calls.rewards(compiled, REQUEST, candidates(texts)) == pytest.approx(
                expected, abs=ROUNDING, rel=1e-5
            )
            known.append(counters["stats"]["unique_graphs"])
        assert known[0] > 0
        assert known[-1] == known[1], "other lengths are compiled again"
    finally:
        plain.close()
        compiled.close()


def test_a_model_that_cannot_be_compiled_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    classifier_replica.write(tmp_path)

    def none_found() -> str:
        raise torch._inductor.exc.InvalidCxxCompiler

    monkeypatch.setattr(torch._inductor.cpp_builder, "get_cpp_compiler", none_found)
    monkeypatch.setattr(torch._inductor.config, "force_disable_caches", True)
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path / "kernels"))
    torch._dynamo.reset()
    with pytest.raises(ModelError, match=r"cannot be compiled: .*C\+\+ compiler"):
        TransformersRewardModel.load(str(tmp_path), device="cpu", compile=True)
    torch._dynamo.reset()


def test_a_model_without_layers_is_refused() -> None:
    with pytest.raises(ModelError, match="m has no repeated layers"):
        compile_layers(nn.Linear(2, 2), "m")
