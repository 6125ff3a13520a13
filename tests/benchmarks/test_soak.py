"""A short soak over the stub: every answer is accounted for, and nothing is left behind."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

import pytest

from benchmarks.clients import KINDS, Crowd
from benchmarks.soak import FLAT, Soak, State, serving, soak, table

IDLE = State(tasks=5, files=20, in_flight=0, memory=2**28)


@pytest.mark.slow
@pytest.mark.alone
async def test_a_short_soak_leaves_nothing() -> None:
    with serving("stub") as server:
        found = await soak(server, clients=40, seconds=6)
    assert found.complaints() == []
    assert all(found.crowd.outcomes[kind.name].total() for kind in KINDS), table("stub", found)
    assert found.served["200"] >= found.crowd.told("200") > 50


def _soak(
    served: Mapping[str, int], *, after: State = IDLE, memory: int = 100, **outcomes: int
) -> Soak:
    told = {
        "answered": ("best of N", "200"),
        "wrong": ("wrong", "400"),
        "gone": ("hangs up", "hung up"),
        "broken": ("best of N, streamed", "a stream that breaks off"),
    }
    crowd = {kind.name: Counter[str]() for kind in KINDS}
    for name, count in outcomes.items():
        kind, outcome = told[name]
        crowd[kind][outcome] = count
    return Soak(Crowd(crowd), served, IDLE, after, [100] * 20 + [memory] * 10)


def test_what_agrees_is_no_complaint() -> None:
    assert _soak({"200": 9, "400": 2, "499": 3}, answered=8, wrong=2, gone=5).complaints() == []


@pytest.mark.parametrize(
    ("found", "sentence"),
    [
        (_soak({"200": 7}, answered=8), "8 answers, and fewer were counted"),
        (_soak({"200": 8, "400": 1}, answered=8, wrong=2), "1 answers of status 400, and 2 were"),
        (_soak({"200": 8, "500": 1}, answered=8, gone=1), "1 answers of status 500, and 0 were"),
        (_soak({"200": 9}, answered=8), "8 requests, and 9 were counted"),
        (_soak({"200": 1}, broken=1), "best of N, streamed: 1 times a stream that breaks off"),
        (_soak({}, after=State(9, 20, 0, 0)), "tasks: 5 before, 9 after"),
        (_soak({}, after=State(5, 30, 0, 0)), "files: 20 before, 30 after"),
        (_soak({}, after=State(5, 20, 1, 0)), "in_flight: 0 before, 1 after"),
        (_soak({}, memory=int(100 * FLAT) + 1), "memory: 1.11 times that of the middle third"),
    ],
)
def test_what_does_not_agree_is_told(found: Soak, sentence: str) -> None:
    assert any(said.startswith(sentence) for said in found.complaints()), found.complaints()
