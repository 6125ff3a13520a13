"""Texts longer than the model reads: refused, or cut on the side that the user chose, and said."""

from __future__ import annotations

from pathlib import Path

import pytest
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer

from bestofn.core.errors import ModelError
from bestofn.core.types import Request
from bestofn.rewards.text.encoder import Encoder
from bestofn.rewards.text.text_maker import NOT_EMBEDDED
from bestofn.rewards.transformers import TransformersRewardModel
from bestofn.settings.choices import TooLong
from tests.support.rewards import classifier_replica, plain_llama
from tests.support.rewards.calls import candidates

LIMIT = 24
REQUEST = Request.from_prompt("What colour is the sky on a fine day?")
ANSWER = "It is blue, and the rain falls on the roof of the house."


@pytest.mark.parametrize(("policy", "side"), [("truncate_left", -1), ("truncate_right", 1)])
async def test_the_chosen_side_is_left_out_and_the_score_says_how_much(
    tmp_path: Path, policy: TooLong, side: int
) -> None:
    weights = classifier_replica.write(tmp_path, model_max_length=LIMIT)
    model = TransformersRewardModel.load(str(tmp_path), device="cpu", too_long=policy)
    (long,) = await model.score(REQUEST, candidates([ANSWER]))
    model.close()
    turns = ("user", REQUEST.last_user_text), ("assistant", ANSWER)
    ids = classifier_replica.ids_of(tmp_path, classifier_replica.chat(*turns))
    assert len(ids) > LIMIT
    shown = ids[:LIMIT] if side > 0 else [ids[0], *ids[1 - LIMIT :]]
    expected = plain_llama.reward(shown, weights, classifier_replica.shape_of("llama"), "score")
    assert long.reward == pytest.approx(expected, abs=1e-5)
    assert long.cut == len(ids) - LIMIT


def test_a_model_that_gives_no_number_is_refused_though_all_texts_are_cut_to_one(
    tmp_path: Path,
) -> None:
    classifier_replica.write(tmp_path, model_max_length=3)
    (path,) = tmp_path.glob("*.safetensors")
    weights = load_file(path)
    save_file({name: each * float("nan") for name, each in weights.items()}, path)
    with pytest.raises(ModelError, match="gives no finite number for a text"):
        TransformersRewardModel.load(str(tmp_path), device="cpu", too_long="truncate_right")


@pytest.mark.parametrize(
    ("closes_all", "left", "expected"),
    [
        (False, True, [0, 8, 9]),
        (False, False, [0, 5, 6]),
        (True, True, [0, 8, 9]),
        (True, False, [0, 5, 9]),
    ],
)
def test_what_opens_every_input_stays_and_what_closes_every_input(
    closes_all: bool, left: bool, expected: list[int]
) -> None:
    encoder = Encoder(lambda texts: [], (0,), (9,), closes_all)
    assert encoder.shorten([0, 5, 6, 7, 8, 9], 3, left=left) == expected


async def test_a_token_beyond_the_embedding_table_costs_its_own_candidate(tmp_path: Path) -> None:
    classifier_replica.write(tmp_path)
    path = tmp_path / "tokenizer.json"
    tokenizer = Tokenizer.from_file(str(path))
    tokenizer.add_tokens([f"<new{number}>" for number in range(300)])
    tokenizer.save(str(path))
    model = TransformersRewardModel.load(str(tmp_path), device="cpu")
    texts = [ANSWER, "It is <new299>.", "It is blue."]
    scores = await model.score(REQUEST, candidates(texts))
    ready_made = await model.score_texts(texts)
    model.close()
    for given in (scores, ready_made):
        assert [score.reward is None for score in given] == [False, True, False]
        assert given[1].failure is not None
        assert given[1].failure.reason == NOT_EMBEDDED
