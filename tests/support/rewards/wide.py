"""Replicas as wide as vLLM's attention on a CPU wants them: heads of 32."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.support.rewards import classifier_replica, ziya_replica


def widen(monkeypatch: pytest.MonkeyPatch) -> None:
    """For as long as `monkeypatch` lasts."""
    usual = classifier_replica.shape_of
    monkeypatch.setattr(
        classifier_replica,
        "shape_of",
        lambda family: replace(usual(family), hidden=128, heads=4, kv_heads=2, head_size=32),
    )
    monkeypatch.setattr(
        ziya_replica, "SHAPE", replace(ziya_replica.SHAPE, hidden=64, heads=2, kv_heads=2)
    )
