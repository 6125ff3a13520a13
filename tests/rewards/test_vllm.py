"""The reward model in a real vLLM engine: raw rewards, equal to those of transformers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bestofn import Settings, embedded
from bestofn.builders.reward_plan import RewardPlan
from bestofn.builders.rewards import open_reward_model
from bestofn.core.errors import ConfigError, ModelError
from bestofn.core.types import Request
from bestofn.rewards.checkpoints.text_only import load_text_maker
from bestofn.rewards.transformers import TransformersRewardModel
from bestofn.rewards.vllm import vllm_reward_model
from bestofn.settings.rewards import RewardSettings
from tests.support.rewards import calls, classifier_replica, ziya_replica
from tests.support.rewards.calls import candidate, candidates
from tests.support.rewards.replicas import REPLICAS
from tests.support.rewards.wide import widen

TOLERANCE = 1e-5
SMALL = [
    "--dtype=float32",
    "--enforce-eager",
    "--block-size=32",
    "--max-num-seqs=32",
    "--max-num-batched-tokens=512",
    f"--kv-cache-memory-bytes={64 * 2**20}",
    "--gpu-memory-utilization=0.1",
]
REQUEST = Request.from_prompt("请写一句话介绍春天的花园。")
GIVEN = [
    *candidates(["花园", "A short answer is often the better answer.", "", "水的污染" * 20]),
    candidate("花园里有", "length"),
]


WRITE: dict[str, Callable[[Path], Any]] = {
    "llama": classifier_replica.write,
    "ziya": ziya_replica.write,
    **{name: replica.write for name, replica in REPLICAS.items()},
}


@pytest.mark.engine
@pytest.mark.slow  # an engine for each
@pytest.mark.parametrize("family", ["llama", "ziya", "qwen-math-rm"])
async def test_raw_rewards_are_those_of_transformers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, family: str
) -> None:
    widen(monkeypatch)
    WRITE[family](tmp_path)
    here = TransformersRewardModel.load(str(tmp_path), device="cpu")
    expected = await calls.rewards(here, REQUEST, GIVEN)
    here.close()
    spec = {"kind": "vllm", "model": str(tmp_path), "engine_args": SMALL}
    async with open_reward_model(RewardPlan.of(Settings.load(rewards=[spec]))) as model:
        assert model is not None
        together = await calls.rewards(model, REQUEST, GIVEN)
        alone = [(await calls.rewards(model, REQUEST, [each]))[0] for each in GIVEN]
        long, short = await model.score(REQUEST, candidates(["水的污染" * 1000, "花园"]))
        waiting = asyncio.ensure_future(model.score(REQUEST, GIVEN))
        await asyncio.sleep(0)
        waiting.cancel()
        assert await calls.rewards(model, REQUEST, GIVEN[:1]) == pytest.approx(together[:1])
    assert long.failure is not None
    assert long.failure.reason == "too_long_for_reward_model"
    assert short.reward is not None
    worst = max(abs(a - b) for a, b in zip(together, expected, strict=True))
    print(f"{family}: largest difference to transformers {worst:.1e}")
    assert together == pytest.approx(expected, abs=TOLERANCE)
    assert alone == pytest.approx(expected, abs=TOLERANCE)


@pytest.mark.engine
async def test_what_vllm_cannot_score_with_is_refused(tmp_path: Path) -> None:
    generator = str(embedded.generator_path())
    with pytest.raises(ModelError, match=r"no reward head; .* is a language model"):
        async with vllm_reward_model(generator):
            pass
    classifier_replica.write(tmp_path)
    with pytest.raises(ConfigError, match="vLLM does not take these engine arguments"):
        async with vllm_reward_model(str(tmp_path), engine_args=["--no-such-flag"]):
            pass
    classifier_replica.write(
        tmp_path, "qwen2", changes={"architectures": ["Qwen2ForProcessRewardModel"]}
    )
    with pytest.raises(ConfigError, match="judges steps"):
        load_text_maker(str(tmp_path))


@pytest.mark.parametrize("family", ["llama", "ziya", *REPLICAS])
async def test_texts_without_weights_are_those_with_them(tmp_path: Path, family: str) -> None:
    WRITE[family](tmp_path)
    options = dict(REPLICAS[family].options) if family in REPLICAS else {}
    whole = TransformersRewardModel.load(str(tmp_path), device="cpu", **options)
    if family == "ultrarm":  # without weights it looks like Ziya
        options["format"] = family
    for file in (*tmp_path.glob("*.safetensors"), *tmp_path.glob("*.bin")):
        file.unlink()
    try:
        without = load_text_maker(str(tmp_path), RewardSettings(format=options.get("format")))
        for each in GIVEN:
            expected = whole._texts.of_candidates(REQUEST, [each])
            assert without.of_candidates(REQUEST, [each]) == expected
        assert without.max_tokens == whole.max_tokens
    finally:
        whole.close()
