"""The frame of special tokens around a text."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from transformers import AutoTokenizer

from bestofn.rewards.text.encoder import Encoder
from bestofn.rewards.text.hub_encoder import hub_encoder, tokenizer_limit
from tests.support.rewards import classifier_replica


def letters(texts: Sequence[str]) -> list[list[int]]:
    return [[ord(letter) for letter in text] for text in texts]


@pytest.mark.parametrize(
    ("text", "ended", "framed"),
    [
        ("ab", True, "^ab$"),
        ("ab", False, "^ab"),
        ("^ab", False, "^ab"),
        ("^^ab$", True, "^ab$"),
        ("ab$", False, "^ab$"),
        ("a^b", True, "^a^b$"),
        ("", True, "^$"),
        ("", False, "^"),
    ],
)
def test_the_frame_stands_once(text: str, ended: bool, framed: str) -> None:
    encoder = Encoder(letters, (ord("^"),), (ord("$"),))
    assert encoder([text], [ended]) == letters([framed])


def test_an_encoder_models_tail_stands_on_every_text() -> None:
    encoder = Encoder(letters, (ord("^"),), (ord("$"),), closes_all=True)
    assert encoder(["a", "b"], [True, False]) == letters(["^a$", "^b$"])


def test_a_model_without_frame_gets_none() -> None:
    assert Encoder(letters, (), ())(["^a"], [True]) == letters(["^a"])


def test_a_hub_tokenizer_frames_as_it_does_itself(tmp_path: Path) -> None:
    classifier_replica.write_tokenizer(tmp_path, None)
    tokenizer = AutoTokenizer.from_pretrained(tmp_path)
    encoder = hub_encoder(tokenizer, closes_all=False)
    texts = ["It is blue.", " two  spaces", "天空", ""]
    expected: list[list[int]] = tokenizer(texts)["input_ids"]
    assert encoder(texts, [True] * 4) == expected
    assert encoder([], []) == []


@pytest.mark.parametrize(("given", "limit"), [(None, None), (512, 512), (10**30, None)])
def test_a_limit_that_nobody_set_is_none(
    tmp_path: Path, given: int | None, limit: int | None
) -> None:
    classifier_replica.write_tokenizer(tmp_path, None, model_max_length=given)
    assert tokenizer_limit(AutoTokenizer.from_pretrained(tmp_path)) == limit
