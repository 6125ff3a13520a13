"""The share of memory that vLLM is started with beside a reward model; the GPU is made up."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from bestofn import Settings, embedded, open_pipeline
from bestofn.builders.memory import left_flags, planned_flags
from bestofn.builders.reward_plan import RewardPlan
from bestofn.core.errors import ConfigError
from bestofn.gpu_memory.planner import GIB, Card
from bestofn.testing import FakeGenerator
from bestofn.vllm_engine.engine import cpu_memory
from tests.support.sparse_checkpoints import LLAMA_3_8B, LLAMA_7B_REWARD, tensors_of, write

pytestmark = pytest.mark.engine  # vLLM reads its own flags


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    folder = tmp_path_factory.mktemp("pair")
    generator = write(folder / "llama", LLAMA_3_8B, tensors_of(LLAMA_3_8B, "BF16"))
    reward = write(folder / "reward", LLAMA_7B_REWARD, tensors_of(LLAMA_7B_REWARD, "F32"))
    return str(generator), str(reward)


def card_of(monkeypatch: pytest.MonkeyPatch, card: Card | None) -> None:
    monkeypatch.setattr("bestofn.builders.memory.detected_card", lambda: card)


def flags(pair: tuple[str, str], **settings: Any) -> list[str] | None:
    given = Settings(model=pair[0], reward_model=pair[1], **settings)
    return planned_flags(given, pair[0], RewardPlan.of(given))


def test_the_share_is_the_plans(monkeypatch: pytest.MonkeyPatch, pair: tuple[str, str]) -> None:
    card_of(monkeypatch, Card.empty(80 * GIB))
    assert flags(pair) == ["--gpu-memory-utilization=0.734"]
    card_of(monkeypatch, Card.empty(48 * GIB))
    share, length = flags(pair, best_of=16) or []
    assert share == "--gpu-memory-utilization=0.578"
    assert length.startswith("--max-model-len=")
    assert flags(pair, engine_args=["--max-model-len", "4k"])[1:] == ["--max-model-len=4000"]  # type: ignore[index]


def test_what_the_user_decided_stays(
    monkeypatch: pytest.MonkeyPatch, pair: tuple[str, str]
) -> None:
    card_of(monkeypatch, Card.empty(24 * GIB))
    assert flags(pair, engine_args=["--gpu-memory-utilization=0.5"]) == []
    assert flags(pair, engine_args=["--gpu_memory_utilization", "0.5"]) == []
    assert flags(pair, engine_args=["--kv-cache-memory-bytes", "1G"]) == []
    card_of(monkeypatch, None)
    assert flags(pair, engine_args=["--gpu-memory-utilization=0.5"]) == []


def test_a_reward_models_engine_has_its_share_first(
    monkeypatch: pytest.MonkeyPatch, pair: tuple[str, str]
) -> None:
    def plan(**options: Any) -> tuple[Settings, RewardPlan]:
        reward = {"kind": "vllm", "model": pair[1], **options}
        given = Settings.load(model=pair[0], rewards=[reward])
        return given, RewardPlan.of(given)

    card_of(monkeypatch, Card(80 * GIB, 48 * GIB))
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    for options in ({}, {"environment": {"CUDA_VISIBLE_DEVICES": "0"}}):
        given, rewards = plan(**options)
        with pytest.raises(ConfigError, match="would take nearly all of the GPU"):
            planned_flags(given, pair[0], rewards)
    given, rewards = plan(engine_args=["--gpu_memory_utilization", "0.3"])
    assert planned_flags(given, pair[0], rewards) is None
    assert left_flags(rewards) == ["--gpu-memory-utilization=0.50"]
    given, rewards = plan(environment={"CUDA_VISIBLE_DEVICES": "1"})
    assert planned_flags(given, pair[0], rewards) == ["--gpu-memory-utilization=0.557"]
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    with pytest.raises(ConfigError, match="would take nearly all of the GPU"):
        planned_flags(given, pair[0], rewards)


@pytest.mark.parametrize(
    ("memory", "expected"),
    [((30, 40), ["--gpu-memory-utilization=0.38"]), ((0, 40), ["--gpu-memory-utilization=0.01"])],
)
def test_on_a_cpu_half_of_what_is_free_is_vllms(
    monkeypatch: pytest.MonkeyPatch,
    pair: tuple[str, str],
    memory: tuple[int, int],
    expected: list[str],
) -> None:
    card_of(monkeypatch, None)
    monkeypatch.setattr("bestofn.vllm_engine.engine.cpu_memory", lambda: memory)
    assert flags(pair) == expected


@pytest.mark.parametrize(
    ("arguments", "settings", "tokens"),
    [
        # 128 sequences, 8 candidates a prompt: 16 prompts at the full context, each with a
        # candidate, and 112 candidates more.
        ([], {}, 16 * (2048 + 128) + 112 * (1024 + 128)),
        (["--max-num-seqs=8", "--max-model-len=512"], {}, (512 + 128) + 7 * (512 + 128)),
        ([], {"best_of": 128, "max_tokens": 128}, (2048 + 128) + 127 * (128 + 128)),
    ],
)
def test_on_a_cpu_a_small_model_gets_what_its_sequences_can_use(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    arguments: list[str],
    settings: dict[str, Any],
    tokens: int,
) -> None:
    small = LLAMA_3_8B | {  # a 135M model's shape
        "hidden_size": 576,
        "intermediate_size": 1536,
        "num_hidden_layers": 30,
        "num_attention_heads": 9,
        "num_key_value_heads": 3,
        "vocab_size": 49152,
        "max_position_embeddings": 2048,
    }
    folder = str(write(tmp_path / "small", small, tensors_of(small, "BF16")))
    card_of(monkeypatch, None)
    monkeypatch.setattr("bestofn.vllm_engine.engine.cpu_memory", lambda: (24 * GIB, 32 * GIB))
    given = Settings(model=folder, reward_model="none", engine_args=arguments, **settings)
    (flag,) = planned_flags(given, folder, RewardPlan.of(given)) or []
    name, _, count = flag.partition("=")
    assert name == "--kv-cache-memory-bytes"
    assert int(count) == 30 * 2 * 3 * 64 * 2 * tokens < 4 * GIB


def test_the_memory_of_the_cpu_is_read_as_vllm_reads_it(
    monkeypatch: pytest.MonkeyPatch, pair: tuple[str, str]
) -> None:
    card_of(monkeypatch, None)
    memory = cpu_memory()
    if memory is None:
        assert flags(pair) == []
    else:
        assert 0 < memory[0] <= memory[1]


def test_what_cannot_fit_is_refused_before_anything_is_loaded(
    monkeypatch: pytest.MonkeyPatch, pair: tuple[str, str]
) -> None:
    card_of(monkeypatch, Card.empty(24 * GIB))
    with pytest.raises(ConfigError, match=r"do not fit in 24.0 GiB.*What would fit: .*let vLLM"):
        flags(pair)


def test_a_reward_model_on_the_cpu_takes_nothing(
    monkeypatch: pytest.MonkeyPatch, pair: tuple[str, str]
) -> None:
    card_of(monkeypatch, Card.empty(24 * GIB))
    share = flags(pair, reward={"device": "cpu"}, best_of=2)
    assert share is not None
    assert float(share[0].partition("=")[2]) > 0.9


def test_what_cannot_be_planned_takes_what_is_left(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    pair: tuple[str, str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    card_of(monkeypatch, Card.empty(80 * GIB))
    assert flags(pair, engine_args=["--tensor-parallel-size=2"]) is None
    (tmp_path / "config.json").write_text('{"model_type": "llama"}', encoding="utf-8")
    with caplog.at_level(logging.WARNING, logger="bestofn"):
        settings = Settings(reward_model=pair[1])
        assert planned_flags(settings, str(tmp_path), RewardPlan.of(settings)) is None
    assert "does not say how large it is" in caplog.text


async def test_open_pipeline_hands_the_share_to_vllm(monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[Sequence[str]] = []

    @contextlib.asynccontextmanager
    async def engine(name: str, arguments: Sequence[str], **_: Any) -> AsyncIterator[Any]:
        given.append(arguments)
        yield FakeGenerator(["yes"])

    monkeypatch.setattr("bestofn.generators.vllm.vllm_generator", engine)
    card_of(monkeypatch, Card(80 * GIB, 40 * GIB))
    settings = Settings(
        engine="vllm",
        model=str(embedded.generator_path()),
        reward_model=str(embedded.reward_path()),
        engine_args=["--seed=1"],
    )
    async with open_pipeline(settings):
        pass
    own, share = given[0]
    assert own == "--seed=1"
    # half of the card is another's, and some of the rest the reward model's
    assert 0.3 < float(share.removeprefix("--gpu-memory-utilization=")) < 0.5
