"""The pair of a benchmark: the embedded one, or a real model with a random reward beside it."""

from __future__ import annotations

from pathlib import Path

import yaml

from benchmarks.pairs import MAX_TOKENS, Pair
from bestofn import embedded


def test_without_a_model_it_is_the_embedded_pair() -> None:
    pair = Pair()
    assert pair.generator == embedded.generator_path()
    assert pair.reward() == embedded.reward_path()
    settings = pair.settings()
    assert (settings.model, settings.reward_model, settings.max_tokens) == (None, None, None)
    assert pair.settings(scoring=False).reward_model == "none"
    assert pair.serve_flags() == []


def test_a_real_model_is_scored_by_its_own_trunk(tmp_path: Path) -> None:
    model, reward = tmp_path / "smollm2", tmp_path / "smollm2-random-reward"
    reward.mkdir()
    (reward / "model.safetensors").touch()
    pair = Pair(model)
    settings = pair.settings(best_of=8)
    assert (settings.model, settings.reward_model) == (str(model), str(reward))
    assert (settings.max_tokens, settings.best_of) == (MAX_TOKENS, 8)
    assert settings.engine_args == list(pair.engine_args)
    assert pair.settings(scoring=False).reward_model == "none"
    named, scored, configured = pair.serve_flags()
    assert (named, scored) == (str(model), f"--reward-model={reward}")
    written = Path(configured.partition("=")[2])
    assert yaml.safe_load(written.read_text()) == {"engine_args": list(pair.engine_args)}
