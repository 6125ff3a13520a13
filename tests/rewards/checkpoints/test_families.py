"""Each natively read family against a plain reading of the same weights."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from bestofn.core.types import Request
from bestofn.rewards.local.packed_reader import PackedReader
from bestofn.rewards.transformers import TransformersRewardModel
from tests.support.rewards.calls import candidate, candidates, rewards
from tests.support.rewards.internlm2_replica import ASK, Weights
from tests.support.rewards.replicas import REPLICAS, Replica

TOLERANCE = 1e-5
TEXTS = (
    "It is blue.",
    "The kettle sings while the rain falls on the roof, and nobody in the house is listening.",
    "天空是蓝色的 ☂",
    "no",
    "blue\n\n- blue\n- blue",
)


@dataclass(frozen=True)
class Case:
    replica: Replica
    folder: Path
    weights: Weights
    model: TransformersRewardModel

    def plain(self, text: str, ended: bool = True) -> float:
        return self.replica.read(self.replica.ids(self.folder, text, ended), self.weights)


@pytest.fixture(scope="module", params=REPLICAS)
def case(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Case]:
    replica = REPLICAS[request.param]
    folder = tmp_path_factory.mktemp(request.param)
    weights = replica.write(folder)
    model = TransformersRewardModel.load(str(folder), device="cpu", **replica.options)
    yield Case(replica, folder, weights, model)
    model.close()


async def test_alone_together_and_in_any_order_as_the_plain_reading(case: Case) -> None:
    request = Request.from_prompt(ASK)
    expected = {text: case.plain(text) for text in TEXTS}
    assert max(expected.values()) - min(expected.values()) > 0.05
    worst = 0.0
    order = random.Random(0)
    groups = [[text] for text in TEXTS] + [order.sample(TEXTS, size) for size in (2, 3, 5, 5)]
    for texts in groups:
        got = await rewards(case.model, request, candidates(texts))
        worst = max(worst, *(abs(g - expected[t]) for g, t in zip(got, texts, strict=True)))
    print(f"largest difference to the plain reading: {worst:.1e}")
    assert worst < TOLERANCE


async def test_what_candidates_share_is_computed_once(case: Case) -> None:
    assert isinstance(case.model._loaded.reader, PackedReader)
    case.model._loaded.reader.release()
    scores = await case.model.score(Request.from_prompt(ASK), candidates(TEXTS))
    whole = sum(len(case.replica.ids(case.folder, text, True)) for text in TEXTS)
    shared = len(case.replica.ids(case.folder, "", False)) - 2
    assert sum(score.tokens for score in scores) <= whole - (len(TEXTS) - 1) * shared


async def test_a_candidate_that_was_cut_is_not_shown_as_finished(case: Case) -> None:
    given = [candidate("It is", "stop"), candidate("It is", "length", 1)]
    ended, cut = await rewards(case.model, Request.from_prompt(ASK), given)
    assert ended == pytest.approx(case.plain("It is", True), abs=TOLERANCE)
    assert cut == pytest.approx(case.plain("It is", False), abs=TOLERANCE)
    assert (abs(ended - cut) > 1e-3) is case.replica.marks_end


async def test_it_is_recognised_by_what_the_checkpoint_says(case: Case) -> None:
    assert case.model._loaded.format.name == case.replica.name
