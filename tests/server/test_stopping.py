"""Stopping rules in requests, profiles and reports, over fakes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bestofn import Settings
from bestofn.builders.pipeline import build_filters
from bestofn.core.types import Request
from bestofn.testing import FakeCompletion
from bestofn_server.app import create_app
from tests.support.scripts import pipeline_of
from tests.support.serving import ask, client_of, error_of

NEVER = 60.0
TEXTS = {"answer_key": "text"}


def four_agree(request: Request, index: int) -> FakeCompletion:
    """Four candidates say the same at once; the others would take a minute."""
    return FakeCompletion("it is four") if index < 4 else FakeCompletion("no", delay=NEVER)


async def _asked(settings: Settings | None = None, *, scored: bool = True, **body: Any) -> Any:
    pipeline, _, _ = pipeline_of(four_agree, {"it is four": 1.0, "no": 0.0})
    if not scored:
        pipeline = replace(pipeline, reward_model=None)
    app = create_app(settings or Settings(best_of=8), pipeline)
    async with client_of(app) as client:
        return await client.post("/v1/chat/completions", json=ask(**body))


@pytest.mark.parametrize("stop", ["agreement", {"rule": "agreement", "votes": 3}, "auto"])
async def test_a_request_stops_once_enough_candidates_agree(stop: Any) -> None:
    answer = (await _asked(bestofn={"stop": stop, **TEXTS})).json()
    assert answer["choices"][0]["message"]["content"] == "it is four"
    assert answer["bestofn"]["stopped"] == {
        "rule": "agreement",
        "sampled": 8,
        "aborted": {"agreement": 4},
        "tokens_saved": 8,
    }
    assert answer["bestofn"]["failed"] == {"agreement": 4}


async def test_an_operators_floor_is_no_fault_of_who_asks_for_fewer() -> None:
    settings = Settings.model_validate({"best_of": 8, "stop": {"rule": "agreement", "min": 6}})
    asked = await _asked(settings, best_of=4)
    assert (asked.status_code, asked.json()["bestofn"]["sampled"]) == (200, 4)
    asked = await _asked(settings, best_of=4, bestofn=TEXTS)
    assert (asked.status_code, asked.json()["bestofn"]["sampled"]) == (200, 4)
    mine = {"stop": {"rule": "agreement", "min": 6}}
    assert (
        "stop.min is 6, and best_of is 4"
        in error_of(await _asked(best_of=4, bestofn=mine))["message"]
    )


async def test_a_profile_has_a_rule_and_a_request_may_switch_it_off() -> None:
    settings = Settings.model_validate(
        {
            "best_of": 8,
            "profiles": {"quick": {"stop": {"rule": "accepted", "count": 4}, "best_of": 6}},
        }
    )
    report = (await _asked(settings, model="quick")).json()["bestofn"]
    assert report["stopped"]["aborted"] == {"accepted": 2}
    other = await _asked(settings, model="quick", bestofn={"stop": "none", "deadline_ms": 50})
    assert other.json()["bestofn"]["stopped"]["rule"] == "deadline"


async def test_without_a_rule_nothing_is_stopped_and_the_report_says_null() -> None:
    report = (await _asked(best_of=4)).json()["bestofn"]
    assert report["stopped"] is None
    assert report["sampled"] == 4


async def test_waves_and_a_rule_leave_the_rest_unsampled() -> None:
    stop = {"rule": "agreement", "votes": 2, "waves": 2}
    report = (await _asked(bestofn={"stop": stop, **TEXTS})).json()["bestofn"]
    assert (report["sampled"], report["stopped"]["rule"]) == (2, "agreement")
    assert report["stopped"]["tokens_saved"] == 18


@pytest.mark.parametrize(
    ("stop", "said"),
    [
        ("sometimes", "bestofn.stop"),
        ({"rule": "agreement", "share": 0.5}, "share is an option of auto or evidence"),
        ({"rule": "accepted"}, "the rule accepted needs count"),
        ({"rule": "evidence", "share": 1.5}, "bestofn.stop.share"),
        ({"rule": "auto", "min": 9}, "stop.min is 9, and best_of is 8"),
        ({"rule": "auto", "patience": 0}, "bestofn.stop.patience"),
        ({"rule": "auto", "max_sampled_tokens": 0}, "bestofn.stop.max_sampled_tokens"),
    ],
)
async def test_a_rule_that_cannot_be_is_refused_in_one_sentence(stop: Any, said: str) -> None:
    response = await _asked(bestofn={"stop": stop})
    assert response.status_code == 400
    error = error_of(response)
    assert said in f"{error['param']} {error['message']}"
    assert len(error["message"]) < 300


async def test_a_threshold_on_rewards_needs_a_reward_model() -> None:
    stop = {"rule": "reward", "reward": 1.0}
    response = await _asked(scored=False, bestofn={"stop": stop})
    assert response.status_code == 400
    assert "the rule reward needs a reward model" in error_of(response)["message"]


LOOP = "the old miller of the village walks slowly down to the river again and " * 8


def one_loops(request: Request, index: int) -> FakeCompletion:
    """Candidate 1 says the same for a minute; the others answer at once."""
    if index != 1:
        return FakeCompletion("It is four.", delay=0.1)
    parts = [" ".join(LOOP.split()[: 14 * at]) for at in range(1, 9)]
    return FakeCompletion(LOOP, delay=NEVER, snapshots=[*parts, *[LOOP] * 4000])


async def _asked_of_loops(**body: Any) -> Any:
    filters = build_filters(Settings().filters)
    pipeline, _, _ = pipeline_of(one_loops, lambda r, c: 1.0, filters=filters)
    async with client_of(create_app(Settings(best_of=4), pipeline)) as client:
        return (await client.post("/v1/chat/completions", json=ask(**body))).json()


@pytest.mark.parametrize("stop", ["auto", {"loops": True}, "none loops=true"])
async def test_a_request_has_its_loops_stopped_and_the_report_says_so(stop: Any) -> None:
    answer = await _asked_of_loops(bestofn={"stop": stop, "return_candidates": "summary"})
    report = answer["bestofn"]
    assert answer["choices"][0]["message"]["content"] == "It is four."
    assert report["stopped"]["aborted"] == {"loops": 1}
    assert report["rejected"] == {"exact_loop": 1}
    (looped,) = [each for each in report["candidates"] if each["failure"]]
    assert (looped["index"], looped["failure"]["reason"]) == (1, "loops")
    assert looped["rejections"][0]["reason"] == "exact_loop"


@pytest.mark.parametrize(
    "options", [{"stop": "none"}, {"stop": "auto loops=false"}, {"stop": "auto", "filters": []}]
)
async def test_a_request_may_leave_its_loops_alone(options: dict[str, Any]) -> None:
    report = (await _asked_of_loops(bestofn={**options, "deadline_ms": 400}))["bestofn"]
    assert "loops" not in report["stopped"]["aborted"]


async def test_pruning_needs_a_reward_model() -> None:
    response = await _asked(scored=False, bestofn={"stop": {"prune": 0.5}})
    assert response.status_code == 400
    assert "prune needs a reward model" in error_of(response)["message"]
