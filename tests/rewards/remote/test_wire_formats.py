"""Replies of reward servers that are none: what is no number is no reward."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping

import pytest

from bestofn.core.no_winner import RewardError
from bestofn.rewards.remote.wire_formats import RERANK_APIS, TEXT_APIS, read_reply
from bestofn.settings.reward_server import RewardApi

TEXTS: Mapping[RewardApi, Callable[[object], object]] = {
    "vllm-classify": lambda value: {"data": [{"probs": [value]}]},
    "vllm-pooling": lambda value: {"data": [{"data": [value]}]},
    "sglang-classify": lambda value: {"embedding": [value]},
    "tei-predict": lambda value: [{"score": value}],
}
RANKED: Mapping[RewardApi, Callable[[object, object], object]] = {
    "tei-rerank": lambda index, value: [{"index": index, "score": value}],
    "vllm-rerank": lambda index, value: {"results": [{"index": index, "relevance_score": value}]},
    "rerank": lambda index, value: {"results": [{"index": index, "relevance_score": value}]},
}


def test_every_api_is_asked_here() -> None:
    assert set(TEXTS) == set(TEXT_APIS)
    assert set(RANKED) == set(RERANK_APIS)


@pytest.mark.parametrize("value", [True, "5", None, [5.0], {}])
@pytest.mark.parametrize("api", TEXTS)
def test_what_is_no_number_is_no_reward(api: RewardApi, value: object) -> None:
    reply = json.dumps(TEXTS[api](value)).encode()
    with pytest.raises(RewardError, match="the reward server answers in another form"):
        read_reply(TEXT_APIS[api].read, reply)
    assert read_reply(TEXT_APIS[api].read, json.dumps(TEXTS[api](1)).encode()) == [1.0]


@pytest.mark.parametrize(("index", "value"), [(0, True), (0, "5"), (True, 0.5), ("0", 0.5)])
@pytest.mark.parametrize("api", RANKED)
def test_what_is_no_number_ranks_nothing(api: RewardApi, index: object, value: object) -> None:
    reply = json.dumps(RANKED[api](index, value)).encode()
    with pytest.raises(RewardError, match="the reward server answers in another form"):
        read_reply(RERANK_APIS[api].read, reply)
    assert read_reply(RERANK_APIS[api].read, json.dumps(RANKED[api](0, 2)).encode()) == [(0, 2.0)]
