"""The reward at every token of a text: what a causal reward model says of the text as far."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from bestofn.core.errors import RequestError
from bestofn.core.types import Failure
from bestofn.rewards.text.positions import EveryToken, last_token, or_every_token, positions_of
from bestofn.rewards.transformers import TransformersRewardModel
from tests.support.rewards import deberta_replica

TEXT = "What is 8 - 5? It is three, as everybody knows who can count to ten."


@pytest.fixture(params=["ziya", "llama"])
def model(request: pytest.FixtureRequest) -> TransformersRewardModel:
    made: TransformersRewardModel = request.getfixturevalue(request.param).model
    return made


async def _rewards(model: TransformersRewardModel, text: Any) -> list[float]:
    (found,) = await model.score_tokens([text])
    assert not isinstance(found, Failure), found
    return list(found)


async def test_each_is_the_reward_of_the_text_as_far(model: TransformersRewardModel) -> None:
    ids = list(range(3, 43))
    whole = await _rewards(model, ids)
    assert len(whole) == len(ids)
    assert len({round(each, 4) for each in whole}) > len(ids) / 2
    for end in (1, 2, 17, 40):
        alone = await _rewards(model, ids[:end])
        assert alone == pytest.approx(whole[:end], abs=1e-4)


async def test_the_last_is_the_texts_own_reward(model: TransformersRewardModel) -> None:
    (score,) = await model.score_texts([TEXT])
    assert (await _rewards(model, TEXT))[-1] == pytest.approx(score.reward, abs=1e-4)
    together = await asyncio.gather(
        model.score_tokens([TEXT, TEXT + " Or not."]), model.score_texts([TEXT] * 3)
    )
    (first, second), scores = together
    assert not isinstance(first, Failure)
    assert not isinstance(second, Failure)
    assert [each.reward for each in scores] == pytest.approx([score.reward] * 3, abs=1e-4)
    assert first[-1] == pytest.approx(score.reward, abs=1e-4)
    assert len(second) > len(first)


async def test_what_has_no_tokens_or_unknown_ones_is_a_failure(
    model: TransformersRewardModel,
) -> None:
    none, unknown, fine = await model.score_tokens([[], [10**6], [5, 6]])
    assert isinstance(none, Failure)
    assert isinstance(unknown, Failure)
    assert (none.reason, unknown.reason) == ("empty", "token_without_embedding")
    assert not isinstance(fine, Failure)
    assert len(fine) == 2


async def test_a_model_that_reads_a_text_as_a_whole_says_so(tmp_path: Path) -> None:
    deberta_replica.write(tmp_path)
    model = TransformersRewardModel.load(str(tmp_path), device="cpu")
    try:
        with pytest.raises(RequestError, match="makes one number of a text"):
            await model.score_tokens([[5, 6, 7]])
    finally:
        model.close()


def test_only_a_text_that_says_so_is_read_at_every_token() -> None:
    for positions in (last_token, positions_of(9)):
        either = or_every_token(positions)
        assert list(either(EveryToken([9, 5, 9]))) == [0, 1, 2]
        assert list(either([9, 5, 9])) == list(positions([9, 5, 9]))
