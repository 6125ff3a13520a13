"""The plan for rewards: options are resolved once, for opening and for the plan of memory."""

from __future__ import annotations

from typing import Any

import pytest

from bestofn import ConfigError, Settings, embedded
from bestofn.builders.reward_plan import OF_PAIRWISE, RewardPlan

SECTION: Any = {"dtype": "float16", "cache_tokens": 100}


def planned(**settings: Any) -> RewardPlan:
    return RewardPlan.of(Settings.load(**settings))


def test_the_section_of_local_models_holds_where_one_says_nothing_else() -> None:
    own = {"model": "org/own", "cache_tokens": 7}
    plan = planned(rewards=["org/some", own], reward=SECTION)
    read = [(name, local.dtype, local.cache_tokens) for name, local in plan.local_models]
    assert read == [("org/some", "float16", 100), ("org/own", "float16", 7)]
    assert [reward.options["cache_tokens"] for reward in plan.rewards] == [100, 7]


def test_a_pairwise_ranker_is_planned_as_it_is_opened() -> None:
    ranker = {"kind": "pairwise", "model": "org/pairs"}
    plan = planned(rewards=[ranker], reward={"device": "cuda:1", "threads": 2})
    ((name, local),) = plan.local_models
    assert (name, local.device, local.cache_tokens) == ("org/pairs", "cuda:1", 0)
    options = plan.rewards[0].options
    assert options.keys() == {"model", *OF_PAIRWISE}
    assert options["device"] == "cuda:1"
    assert planned(rewards=[ranker], reward={"device": "cpu"}).local_models == []


def test_what_takes_nothing_of_the_card_is_no_local_model() -> None:
    elsewhere: list[Any] = ["http://127.0.0.1:9", {"kind": "verifier", "check": "math"}]
    assert planned(rewards=elsewhere).local_models == []
    assert planned(reward={"device": "cpu"}).local_models == []
    assert planned(reward_model="none").rewards == ()


def test_the_embedded_model_has_one_thread_unless_the_settings_say_otherwise() -> None:
    assert planned().rewards[0].options["threads"] == 1
    assert planned(reward={"threads": 3}).rewards[0].options["threads"] == 3
    named = planned(reward_model=str(embedded.reward_path()))
    assert named.rewards[0].options["threads"] is None


def test_a_wrong_option_of_a_local_model_is_refused_before_anything_is_opened() -> None:
    with pytest.raises(
        ConfigError, match=r"^rewards: own: max_batch_tokens: must be a whole number"
    ):
        planned(rewards=[{"model": "org/own", "max_batch_tokens": "x"}])


def test_what_clients_read_of_a_url_lets_nobody_in() -> None:
    url = "https://me:s3cret@gpu-2:8001/?key=abc"
    plan = planned(reward_model=url)
    assert plan.name == "https://gpu-2:8001/"
    assert plan.rewards[0].options["url"] == url
    assert planned(rewards=[url, "http://b:1"]).name == "gpu-2:8001+b:1"
