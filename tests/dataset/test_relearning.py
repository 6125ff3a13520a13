"""A run that goes on stops its rows as one that was never interrupted."""

from __future__ import annotations

import contextlib
import hashlib
from pathlib import Path
from typing import Any

import pytest

from bestofn.builders.choosing import build_answer_key, build_selector
from bestofn.builders.stopping import Readable, stopping
from bestofn.control.policy import Policy
from bestofn.core.pipeline import Pipeline
from bestofn.core.types import Candidate, Request
from bestofn.dataset.prompts.rows import Defaults, read_row
from bestofn.dataset.run.local import run
from bestofn.dataset.run.options import RunOptions
from bestofn.dataset.store.rollouts import read_rollouts
from bestofn.dataset.store.store import Store
from bestofn.settings.sections import AnswerKeySettings, SelectorSettings
from bestofn.settings.stopping import StopSettings
from bestofn.testing import FakeCompletion, FakeGenerator, FakeRewardModel

pytestmark = pytest.mark.long

ROWS = 48


def _drawn(*parts: object) -> int:
    return int(hashlib.sha256(repr(parts).encode()).hexdigest(), 16)


def _answer(request: Request, index: int) -> FakeCompletion:
    return FakeCompletion(f"The answer is {_drawn(request.seed, index) % 3}.")


def _reward(request: Request, candidate: Candidate) -> float:
    return (_drawn(request.seed, candidate.text) % 1000) / 100


def _pipeline(rule: Any) -> Pipeline:
    key = build_answer_key(AnswerKeySettings())
    rules = stopping(StopSettings(rule=rule, waves=4), Readable.of(key, rewards=True))
    selector = build_selector(SelectorSettings(), key)
    policy = Policy("best_rejected", **rules)
    return Pipeline(FakeGenerator(_answer), selector, [], FakeRewardModel(_reward), policy)


async def _sampled(folder: Path, rule: str, *counts: int) -> list[list[float | None]]:
    """The rewards of each row, after sessions that end where the counts say."""
    for count in counts:
        rows = (
            read_row(at, f"x:{at}", {"prompt": f"q {at}"}, {}, Defaults(16, seed=1))
            for at in range(count)
        )
        with contextlib.closing(Store.open(folder, {}, rows_per_shard=16)) as store:
            await run(rows, store, _pipeline(rule), RunOptions(in_flight=1))
    return [[each["reward"] for each in row["candidates"]] for row in read_rollouts(folder)]


@pytest.mark.parametrize("rule", ["evidence", "expected_gain", "auto"])
async def test_rules_that_learn_know_what_they_knew(tmp_path: Path, rule: str) -> None:
    whole = await _sampled(tmp_path / "whole", rule, ROWS)
    pieces = await _sampled(tmp_path / "pieces", rule, 10, 24, 37, ROWS)
    assert len({len(each) for each in whole}) > 1, "the rule stops some rows and not others"
    assert pieces == whole
