"""Deterministic rewards: the same bits alone, in any batch, in any order, of any reader."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from bestofn import embedded
from bestofn.core.errors import ConfigError
from bestofn.rewards.transformers import TransformersRewardModel
from tests.support.rewards import classifier_replica, deberta_replica

WORDS = ["spring", "is", "in", "the", "garden", "8", "-", "5", "=", "3", "水的污染", "?"]


def texts(count: int) -> list[str]:
    """Texts of 1 to 60 words, in groups that begin alike."""
    drawn = random.Random(7)
    prompts = [" ".join(drawn.choices(WORDS, k=drawn.randint(4, 30))) for _ in range(count // 8)]
    return [
        f"{prompts[i % len(prompts)]} {' '.join(drawn.choices(WORDS, k=drawn.randint(1, 30)))} {i}"
        for i in range(count)
    ]


def score(model: TransformersRewardModel, given: Sequence[str]) -> list[float]:
    rewards = [score.reward for score in asyncio.run(model.score_texts(given))]
    assert None not in rewards
    return [reward for reward in rewards if reward is not None]


def write_llama(folder: Path) -> Path:
    classifier_replica.write(folder)
    return folder


def write_deberta(folder: Path) -> Path:
    deberta_replica.write(folder)
    return folder


@pytest.mark.slow
@pytest.mark.parametrize(
    ("write", "count"),
    [
        pytest.param(lambda _: embedded.reward_path(), 200, id="embedded", marks=pytest.mark.slow),
        pytest.param(write_llama, 200, id="llama"),
        pytest.param(write_deberta, 40, id="deberta"),
    ],
)
def test_rewards_are_the_same_bits_alone_in_any_batch_and_in_any_order(
    tmp_path: Path, write: Callable[[Path], Path], count: int
) -> None:
    options: dict[str, Any] = {"device": "cpu", "deterministic": True, "threads": 1}
    folder, given = str(write(tmp_path)), texts(count)
    model = TransformersRewardModel.load(folder, **options)
    try:
        together = score(model, given)
        assert [score(model, [text])[0] for text in given] == together, "alone"
        for seed in range(2):
            order = random.Random(seed).sample(range(count), count)
            found = score(model, [given[i] for i in order])
            assert found == [together[i] for i in order], "in another order"
        few = random.Random(9).sample(range(count), 17)
        assert score(model, [given[i] for i in few]) == [together[i] for i in few], "among others"
    finally:
        model.close()
    again = TransformersRewardModel.load(folder, max_batch_tokens=64, cache_tokens=0, **options)
    assert score(again, given) == together, "loaded anew, within another budget"
    again.close()


def test_without_the_setting_the_last_digits_move() -> None:
    """Else nothing was shown above."""
    given = texts(64)
    model = TransformersRewardModel.load(str(embedded.reward_path()), device="cpu", threads=1)
    together = score(model, given)
    alone = [score(model, [text])[0] for text in given]
    model.close()
    assert together != alone
    assert together == pytest.approx(alone, abs=1e-4)


def test_it_is_not_for_compiled_layers() -> None:
    with pytest.raises(ConfigError, match="deterministic and compile are both set"):
        TransformersRewardModel.load(
            str(embedded.reward_path()), device="cpu", deterministic=True, compile=True
        )
