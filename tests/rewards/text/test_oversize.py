"""Texts far longer than the model reads: they are not tokenised whole."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bestofn.core.types import Failure, Request
from bestofn.rewards.text.contents import Rendered
from bestofn.rewards.text.oversize import within_reach
from bestofn.rewards.transformers import TransformersRewardModel
from bestofn.settings.choices import TooLong
from tests.support.rewards import classifier_replica
from tests.support.rewards.calls import candidates

LIMIT = 40


def test_what_a_model_could_read_stays_as_it_is() -> None:
    for policy in ("error", "truncate_left", "truncate_right"):
        policies: Any = policy
        assert within_reach("a" * 20, 5, 2, policies) == ("a" * 20, 0)
        assert within_reach("a" * 10_000, None, 2, policies) == ("a" * 10_000, 0)


def test_more_is_a_failure_or_cut_on_the_side_that_was_chosen() -> None:
    text = "b" + "a" * 30 + "e"
    refused = within_reach(text, 5, 2, "error")
    assert isinstance(refused, Failure)
    assert refused.detail == "the text has 32 characters, the model reads at most 5 tokens"
    assert within_reach(text, 5, 2, "truncate_right") == ("b" + "a" * 19, 6)
    assert within_reach(text, 5, 2, "truncate_left") == ("a" * 19 + "e", 6)


def test_spelled_special_tokens_keep_their_places_in_what_is_left() -> None:
    text = Rendered("<s>" + "a" * 30 + "</s>", ((0, 3), (33, 37)))
    assert within_reach(text, 5, 2, "truncate_right") == (Rendered("<s>" + "a" * 17, ((0, 3),)), 8)
    assert within_reach(text, 5, 2, "truncate_left") == (
        Rendered("a" * 16 + "</s>", ((16, 20),)),
        8,
    )
    assert isinstance(within_reach(text, 5, 2, "error"), Failure)


@pytest.mark.parametrize("policy", ["error", "truncate_left", "truncate_right"])
async def test_the_tokenizer_never_sees_the_whole_of_it(
    tmp_path: Path, policy: TooLong, monkeypatch: pytest.MonkeyPatch
) -> None:
    classifier_replica.write(tmp_path, model_max_length=LIMIT)
    model = TransformersRewardModel.load(str(tmp_path), device="cpu", too_long=policy)
    encoder = model._texts.encoder
    seen: list[int] = []

    def tokenise(texts: Any) -> list[list[int]]:
        seen.extend(map(len, texts))
        return encoder.tokenise(texts)

    watched = type(encoder)(
        tokenise, encoder.lead, encoder.tail, encoder.closes_all, longest=encoder.longest
    )
    texts: Any = model._texts
    monkeypatch.setattr(model, "_texts", type(texts)(**_fields(texts) | {"encoder": watched}))
    request = Request.from_prompt("What colour is the sky?")
    words = "blue sky " * 100_000
    short, long = await model.score(request, candidates(["It is blue.", words]))
    model.close()
    assert max(seen) <= 2 * LIMIT * encoder.longest
    assert short.failure is None
    if policy == "error":
        assert long.failure is not None
        assert long.failure.reason == "too_long_for_reward_model"
    else:
        assert long.reward is not None
        assert long.cut > len(words) // encoder.longest - 2 * LIMIT


def _fields(maker: Any) -> dict[str, Any]:
    return {name: getattr(maker, name) for name in type(maker).__dataclass_fields__}
