"""The training run at a thousandth of its size: two models that load, the same each time."""

from __future__ import annotations

from pathlib import Path

import pytest
from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification

from bestofn.embedded.train import __main__ as run
from bestofn.embedded.train import tokenizer


def test_a_tiny_run_writes_both_models_and_repeats_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tokenizer, "TRAINING_TASKS", 500)
    for name in ("first", "second"):
        run.train(tmp_path / name, seed=3, scale=0.001)
    AutoModelForCausalLM.from_pretrained(tmp_path / "first" / "generator")
    AutoModelForSequenceClassification.from_pretrained(tmp_path / "first" / "reward")
    written = sorted(p.relative_to(tmp_path / "first") for p in tmp_path.glob("first/*/*"))
    assert len(written) >= 10
    for file in written:
        first, second = (tmp_path / name / file for name in ("first", "second"))
        assert first.read_bytes() == second.read_bytes(), file
