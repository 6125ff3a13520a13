"""A service with profiles over fakes, and what a request to it comes to."""

from __future__ import annotations

from typing import Any

from bestofn import Pipeline, Policy, Settings
from bestofn.builders.pipeline import build_filters
from bestofn.selection.argmax import ArgmaxSelector
from bestofn.settings.sections import FilterSpec
from bestofn.testing import FakeGenerator, FakeRewardModel
from bestofn_server.service.job import Job, plan
from bestofn_server.service.presets import Presets
from bestofn_server.wire.requests import ChatRequest, CompletionRequest

PATTERN = FilterSpec(name="pattern", options={"must_not_match": "secret"})
SET_UP = [FilterSpec(name="truncation"), PATTERN]
PROFILES: Any = {
    "all": {
        "model": "a-lora",
        "best_of": 3,
        "temperature": 0.5,
        "max_tokens": 30,
        "seed": 9,
        "filters": ["empty", {"length": {"max_tokens": 20}}],
        "selection": {"name": "argmax", "options": {"tolerance": 0.5}},
        "policy": {"on_exhausted": "error", "deadline_seconds": 2},
    },
    "bare": {},
    "greedy": {"temperature": 0},
}


def settings_of(**fields: Any) -> Settings:
    """Settings with the profiles above, and `fields`."""
    return Settings(**{"best_of": 8, "profiles": PROFILES, **fields})


def plain_pipeline(generator: FakeGenerator | None = None) -> Pipeline:
    """A pipeline over fakes that is set up as `SET_UP` says."""
    return Pipeline(
        generator or FakeGenerator(["good"]),
        ArgmaxSelector(),
        build_filters(SET_UP),
        FakeRewardModel({"good": 1.0}),
        Policy("best_rejected", deadline_seconds=60),
    )


async def planned(
    body: dict[str, Any], settings: Settings | None = None, pipeline: Pipeline | None = None
) -> Job:
    """The job that a request with this body comes to."""
    settings, pipeline = settings or settings_of(), pipeline or plain_pipeline()
    presets = await Presets.load(settings, pipeline)
    kind = CompletionRequest if "prompt" in body else ChatRequest
    request = kind.model_validate(body)
    return plan(request, await presets.named(request.model), settings.server)
