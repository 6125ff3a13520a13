"""POST /v1/candidates: every candidate the moment it is judged, and then the answer."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from typing import Any

import httpx

from bestofn import Settings
from bestofn.core.types import Candidate
from bestofn.generators.mixed import Member, MixedGenerator
from bestofn.testing import FakeCompletion, FakeGenerator
from bestofn_server.app import create_app
from bestofn_server.wire.candidate_events import SnapshotEvent
from tests.support.scripts import CUT, pipeline_of
from tests.support.serving import app_of, ask, client_of, error_of


async def events(client: httpx.AsyncClient, **fields: Any) -> list[Any]:
    answer = await client.post("/v1/candidates", json=ask(**fields))
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("text/event-stream")
    lines = [line.removeprefix("data: ") for line in answer.text.split("\n\n") if line]
    assert lines.pop() == "[DONE]"
    return [json.loads(line) for line in lines]


def states(told: list[Any], index: int) -> list[str]:
    return [each["state"] for each in told if each.get("index") == index and "state" in each]


async def test_each_candidate_is_told_when_it_is_filtered_and_when_it_is_scored() -> None:
    async with client_of(app_of(["good", "better", CUT])) as client:
        told = await events(client, best_of=3)
    assert told[0] == {"object": "bestofn.started", "indices": [0, 1, 2]}
    assert states(told, 0) == ["scoring", "accepted"]
    assert states(told, 1) == ["scoring", "accepted"]
    assert states(told, 2) == ["rejected"]
    known = [each for each in told if each.get("index") == 1][-1]
    assert (known["text"], known["reward"], known["rank"]) == ("better", 2.0, None)
    rejected = next(each for each in told if each.get("index") == 2)
    assert [each["reason"] for each in rejected["rejections"]] == ["length"]


async def test_the_last_event_is_the_answer_with_a_full_report() -> None:
    async with client_of(app_of()) as client:
        told = await events(client)
        whole = await client.post(
            "/v1/chat/completions", json=ask(bestofn={"return_candidates": "full"})
        )
    assert told[-1]["object"] == "chat.completion"
    assert told[-1]["choices"] == whole.json()["choices"]
    assert {each["text"] for each in told[-1]["bestofn"]["candidates"]} == {"good", "better"}
    assert told[-1]["bestofn"]["winner"] == 1


async def test_one_candidate_is_told_too_and_not_passed_through() -> None:
    async with client_of(app_of()) as client:
        told = await events(client, best_of=1)
    assert states(told, 0) == ["scoring", "accepted"]
    assert told[-1]["bestofn"]["sampled"] == 1


async def test_an_error_before_the_first_candidate_has_its_status() -> None:
    async with client_of(app_of()) as client:
        answer = await client.post("/v1/candidates", json=ask(best_of=1000))
    assert answer.status_code == 400
    assert "best_of is 1000" in error_of(answer)["message"]


async def test_an_error_behind_them_is_an_event() -> None:
    async with client_of(app_of([CUT, CUT])) as client:
        told = await events(client, bestofn={"on_exhausted": "error"})
    assert states(told, 0) == ["rejected"]
    assert told[-1]["error"]["code"] == "nothing_acceptable"


async def test_snapshots_come_before_the_candidate_that_they_become() -> None:
    script = [FakeCompletion("good", snapshots=("g", "go"), delay=0.02), "better"]
    async with client_of(app_of(script)) as client:
        told = await events(client)
    at = [each["object"].removeprefix("bestofn.") for each in told if each.get("index") == 0]
    assert at[-2:] == ["candidate", "candidate"]
    assert set(at[:-2]) <= {"snapshot"}


async def test_every_event_of_a_candidate_says_which_of_several_generators_samples_it() -> None:
    small, large = FakeGenerator(["good"]), FakeGenerator(["better", CUT])
    both = MixedGenerator([Member("small", small), Member("large", large)])
    app = create_app(Settings(best_of=4), replace(pipeline_of(["good"])[0], generator=both))
    async with client_of(app) as client:
        told = await events(client, best_of=4)
    names = {(each["index"], each["generator"]) for each in told if "index" in each}
    assert names == {(0, "small"), (1, "large"), (2, "small"), (3, "large")}
    running = Candidate(0, {"role": "assistant", "content": "go"}, None, 1, generator="small")
    assert SnapshotEvent.of(running).generator == "small"


async def test_a_client_that_hangs_up_aborts_everything() -> None:
    script = ["good", FakeCompletion("better", delay=30)]
    app = app_of(script)
    async with client_of(app) as client:
        async with client.stream("POST", "/v1/candidates", json=ask()) as answer:
            async for line in answer.aiter_lines():
                if '"state"' in line:
                    break
        generator = app.state.bestofn.pipeline.generator
        for _ in range(200):
            if generator.aborted:
                break
            await asyncio.sleep(0.01)
    assert generator.aborted == [1]
