"""Which type a checkpoint is loaded in."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch

from bestofn.rewards.checkpoints.weights import Placement

GPU, CPU = torch.device("cuda"), torch.device("cpu")


@pytest.mark.parametrize(
    ("device", "asked", "stored", "half", "new_card", "expected"),
    [
        (CPU, None, torch.bfloat16, torch.bfloat16, True, torch.float32),
        (CPU, torch.bfloat16, torch.float32, torch.bfloat16, True, torch.bfloat16),
        (GPU, None, torch.bfloat16, torch.float16, True, torch.bfloat16),
        (GPU, None, torch.float16, torch.bfloat16, True, torch.float16),
        (GPU, None, torch.float32, torch.bfloat16, True, torch.bfloat16),
        (GPU, None, torch.float32, torch.float16, True, torch.float16),
        (GPU, None, None, torch.bfloat16, True, torch.bfloat16),
        (GPU, None, torch.bfloat16, torch.bfloat16, False, torch.float16),
        (GPU, torch.float32, torch.bfloat16, torch.bfloat16, True, torch.float32),
    ],
)
def test_half_precision_on_a_gpu_and_float32_on_a_cpu(
    monkeypatch: pytest.MonkeyPatch,
    device: torch.device,
    asked: torch.dtype | None,
    stored: torch.dtype | None,
    half: torch.dtype,
    new_card: bool,
    expected: torch.dtype,
) -> None:
    monkeypatch.setattr("torch.cuda.is_bf16_supported", lambda including_emulation: new_card)
    placement = Placement(device, asked)
    assert placement.dtype_for(SimpleNamespace(dtype=stored), half) is expected


@pytest.mark.parametrize(("there", "device"), [(True, "cuda"), (False, "cpu")])
def test_auto_takes_the_gpu_where_there_is_one(
    monkeypatch: pytest.MonkeyPatch, there: bool, device: str
) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: there)
    assert Placement.of("auto", "auto") == Placement(torch.device(device), None)
    assert Placement.of("cpu", "float16") == Placement(CPU, torch.float16)
