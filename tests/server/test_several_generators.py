"""A server over several generators: who sampled what, and what one that is gone costs."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bestofn import Settings
from bestofn.core.errors import ConfigError
from bestofn.core.no_winner import GeneratorError
from bestofn.generators.mixed import Member, MixedGenerator
from bestofn.testing import FakeGenerator
from bestofn_server.app import create_app
from bestofn_server.service.presets import Presets
from tests.support.scripts import pipeline_of
from tests.support.serving import ask, client_of

GENERATORS = ["name=small upstream=http://localhost:1", "name=large upstream=http://localhost:2"]
GONE = FakeGenerator(["x"], raises=GeneratorError("it is gone"))


def app_over(small: FakeGenerator, large: FakeGenerator) -> Any:
    generator = MixedGenerator([Member("small", small), Member("large", large)])
    pipeline = replace(pipeline_of(["good"])[0], generator=generator)
    return create_app(Settings.load(best_of=4, generators=GENERATORS), pipeline)


async def asked(app: Any, **body: Any) -> Any:
    async with client_of(app) as client:
        return await client.post("/v1/chat/completions", json=ask(**body))


async def test_which_model_won_is_told() -> None:
    app = app_over(FakeGenerator(["good"]), FakeGenerator(["better"]))
    report = (await asked(app, bestofn={"return_candidates": "summary"})).json()["bestofn"]
    assert report["returned"][0]["generator"] == "large"
    told = {each["index"]: each["generator"] for each in report["candidates"]}
    assert told == {0: "small", 1: "large", 2: "small", 3: "large"}


async def test_one_that_is_gone_costs_its_own_candidates() -> None:
    response = await asked(app_over(GONE, FakeGenerator(["better"])))
    assert response.status_code == 200
    report = response.json()["bestofn"]
    assert (report["accepted"], report["failed"]) == (2, {"generation_error": 2})


async def test_where_all_are_gone_the_upstreams_are_at_fault() -> None:
    response = await asked(app_over(GONE, GONE))
    assert response.status_code == 502


async def test_one_candidate_is_sampled_and_not_passed_through() -> None:
    response = await asked(app_over(FakeGenerator(["good"]), FakeGenerator(["x"])), best_of=1)
    assert response.json()["choices"][0]["message"]["content"] == "good"


async def test_the_name_that_is_served_is_of_both() -> None:
    async with client_of(app_over(FakeGenerator(["good"]), FakeGenerator(["good"]))) as client:
        models = (await client.get("/v1/models")).json()["data"]
        assert [each["id"] for each in models] == ["small+large"]
        named = await client.post("/v1/chat/completions", json=ask(model="small+large"))
    assert named.status_code == 200


@pytest.mark.parametrize(("n", "status"), [(2, 200), (3, 400)])
async def test_at_temperature_zero_there_is_one_answer_of_each(n: int, status: int) -> None:
    app = app_over(FakeGenerator(["good"]), FakeGenerator(["better"]))
    response = await asked(app, temperature=0, n=n)
    assert response.status_code == status
    if status == 200:
        said = [each["message"]["content"] for each in response.json()["choices"]]
        assert said == ["better", "good"]
    else:
        assert "of a model equal, so n has to be 2 at most" in response.json()["error"]["message"]


async def test_a_profile_names_no_model_of_several() -> None:
    pipeline = replace(pipeline_of(["good"])[0], generator=MixedGenerator([Member("a", GONE)]))
    settings = Settings.load(generators=GENERATORS, profiles={"fast": {"model": "lora"}})
    with pytest.raises(ConfigError, match="profile fast: model is for one generator"):
        await Presets.load(settings, pipeline)


async def test_a_probe_samples_nothing() -> None:
    small = FakeGenerator(["good"])
    async with client_of(app_over(small, FakeGenerator(["good"]))) as client:
        assert (await client.get("/ready")).status_code == 200
    assert small.requests == []


@pytest.mark.parametrize("served", [[True, False], [False, False]])
async def test_a_probe_wants_one_upstream_that_answers(served: list[bool]) -> None:
    class Listing(FakeGenerator):
        changes = False

        def __init__(self, *, up: bool) -> None:
            super().__init__(["good"])
            self.up = up

        async def answer(self, endpoint: Any, body: Any) -> Any: ...

        async def stream(self, endpoint: Any, body: Any) -> Any: ...

        async def models(self) -> list[dict[str, Any]]:
            if not self.up:
                raise GeneratorError("nobody answers")
            return [{"id": "m"}]

    members = [Member(str(at), Listing(up=up)) for at, up in enumerate(served)]
    generator = MixedGenerator(members)
    if any(served):
        await generator.check_alive()
    else:
        with pytest.raises(GeneratorError, match="nobody answers"):
            await generator.check_alive()
