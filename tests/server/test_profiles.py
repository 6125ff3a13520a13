"""Model names with settings of their own, and models that come later."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import httpx
import pytest

from bestofn import ConfigError, Policy
from bestofn.answers.number import NumberKey
from bestofn.answers.pattern import PatternKey
from bestofn.control.evidence import Evidence
from bestofn.control.recent_scores import RecentScores
from bestofn.core.errors import RequestError
from bestofn.filters.length import LengthFilter
from bestofn.selection.argmax import ArgmaxSelector
from bestofn.selection.auto import AutoSelector
from bestofn.selection.vote import VoteSelector
from bestofn.selection.weighted_vote import WeightedVoteSelector
from bestofn_server.errors import ModelNotFoundError
from bestofn_server.service.presets import Presets
from tests.support.forwarding import ForwardingGenerator
from tests.support.planning import plain_pipeline, planned, settings_of
from tests.support.serving import ask


async def test_a_profile_says_what_the_request_does_not() -> None:
    pipeline = plain_pipeline()
    job = await planned(ask(model="all"), pipeline=pipeline)
    (request,) = job.requests
    assert job.model == "all"
    assert request.options == {"model": "a-lora"}
    assert (request.temperature, request.max_tokens, request.seed) == (0.5, 30, 9)
    assert [each.name for each in job.pipeline.filters] == ["empty", "length"]
    assert job.pipeline.filters[1] == LengthFilter(max_tokens=20)
    assert job.pipeline.selector == ArgmaxSelector(tolerance=0.5)
    assert job.pipeline.policy == Policy("error", deadline_seconds=2)
    assert job.pipeline.generator is pipeline.generator
    assert job.pipeline.reward_model is pipeline.reward_model


async def test_a_request_says_otherwise_than_its_profile() -> None:
    own = {"filters": ["truncation"], "selection": {"name": "argmax"}, "on_exhausted": "resample"}
    job = await planned(ask(model="all", temperature=0.0, max_tokens=4, seed=1, bestofn=own))
    (request,) = job.requests
    assert (request.temperature, request.max_tokens, request.seed) == (0.0, 4, 1)
    assert [each.name for each in job.pipeline.filters] == ["truncation"]
    assert job.pipeline.selector == ArgmaxSelector()
    assert job.pipeline.policy == Policy("resample", deadline_seconds=2)


async def test_a_profile_and_a_request_may_say_what_chooses_and_what_is_voted_on() -> None:
    profiles = {"vote": {"selector": "vote", "answer_key": {"pattern": {"pattern": "= (.*)"}}}}
    settings = settings_of(profiles=profiles)
    job = await planned(ask(model="vote"), settings)
    assert job.pipeline.selector == VoteSelector(PatternKey("= (.*)"))
    own = ask(model="vote", bestofn={"selector": {"weighted_vote": {"temperature": 2}}})
    job = await planned(own, settings)  # its key stays the profile's
    assert job.pipeline.selector == WeightedVoteSelector(PatternKey("= (.*)"), 2.0)
    own = ask(model="vote", bestofn={"answer_key": {"number": {"bare": False}}})
    assert (await planned(own, settings)).pipeline.selector == VoteSelector(NumberKey(bare=False))
    bare = await planned(ask(bestofn={"answer_key": "number"}), settings)
    assert bare.pipeline.selector == AutoSelector(NumberKey())


async def test_what_a_profile_leaves_out_is_as_in_thesettings_of() -> None:
    settings, pipeline = settings_of(temperature=0.3, max_tokens=11, seed=2), plain_pipeline()
    for name in ("bare", None):
        job = await planned(ask(model=name), settings, pipeline)
        (request,) = job.requests
        assert (request.temperature, request.max_tokens, request.seed) == (0.3, 11, 2)
        assert request.options == {}
        assert job.pipeline == pipeline


@pytest.mark.parametrize(
    ("profiles", "said"),
    [
        ({"base": {}}, "profile base: the model itself has that name"),
        ({"odd": {"filters": ["none"]}}, "profile odd: no filter is called 'none'"),
        ({"odd": {"selection": {"name": "none"}}}, "profile odd: no selector is called 'none'"),
        ({"odd": {"selector": "none"}}, "profile odd: no selector is called 'none'"),
        ({"odd": {"answer_key": "none"}}, "profile odd: no answer key is called 'none'"),
    ],
)
async def test_a_wrong_profile_is_an_error_at_the_start(profiles: Any, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        await Presets.load(settings_of(profiles=profiles), plain_pipeline(ForwardingGenerator()))


async def test_a_profile_is_listed_and_is_the_model_of_its_answers(
    client_with_profiles: httpx.AsyncClient,
) -> None:
    listed = (await client_with_profiles.get("/v1/models")).json()["data"]
    assert [model["id"] for model in listed] == ["bestofn-embedded", "all", "bare", "greedy"]
    assert [model.get("parent") for model in listed] == [None, "a-lora", *["bestofn-embedded"] * 2]
    assert (await client_with_profiles.get("/v1/models/all")).json() == listed[1]
    response = await client_with_profiles.post("/v1/chat/completions", json=ask(model="bare"))
    assert (response.json()["model"], response.json()["bestofn"]["best_of"]) == ("bare", 8)


async def test_a_model_that_was_loaded_since_is_found() -> None:
    generator = ForwardingGenerator(served=["base"])
    presets = await Presets.load(settings_of(), plain_pipeline(generator))
    assert (await presets.named(None)).name == "base"
    with pytest.raises(ModelNotFoundError):
        await presets.named("new-lora")
    generator.served.append("new-lora")
    preset = await presets.named("new-lora")
    assert (preset.name, preset.model, preset.best_of) == ("new-lora", "new-lora", 8)


async def test_each_models_scores_are_compared_with_its_own() -> None:
    pipeline = plain_pipeline(ForwardingGenerator(served=["base", "a-lora"]))
    learning = replace(pipeline, policy=Policy(recent=RecentScores(rewards=True)))
    settings = settings_of(profiles={"all": {"model": "a-lora", "stop": "evidence"}, "bare": {}})
    presets = await Presets.load(settings, learning)
    asked = [("base", None), ("bare", None), ("a-lora", None), ("all", None), ("a-lora", "bare")]
    found = [(await presets.named(*each)).pipeline.policy for each in asked]
    policies = [policy for policy in found if isinstance(policy, Policy)]
    base, bare, lora, profiled, bare_lora = (policy.recent for policy in policies)
    assert base is bare
    assert base is not lora
    assert lora is profiled
    assert lora is bare_lora
    assert isinstance(policies[3].stop, Evidence)
    assert policies[3].stop.recent is lora


async def test_more_tokens_than_the_models_context_has_are_refused() -> None:
    class Short(ForwardingGenerator):
        async def models(self) -> list[dict[str, Any]]:
            return [{**each, "max_model_len": 100} for each in await super().models()]

    pipeline = plain_pipeline(Short(served=["base"]))
    assert (await planned(ask(max_tokens=100), settings_of(profiles={}), pipeline)).requests
    with pytest.raises(RequestError, match=r"max_tokens is 101; the model's context has 100"):
        await planned(ask(max_tokens=101), settings_of(profiles={}), pipeline)
