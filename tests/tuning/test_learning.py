"""Rules that learn from recent requests learn in a replay as they do live."""

from __future__ import annotations

import dataclasses
import random

import pytest

from bestofn.builders.choosing import build_answer_key, build_selector
from bestofn.builders.stopping import Readable, stopping
from bestofn.control.policy import Policy
from bestofn.core.best_of_n import best_of_n
from bestofn.core.types import Request
from bestofn.settings.sections import SelectorSettings
from bestofn.settings.stopping import StopSettings
from bestofn.tuning.compare import outcomes
from bestofn.tuning.plans import Plan, mixed, prior_of, stopping_plans
from bestofn.tuning.recorded import RecordedRow
from bestofn.tuning.replay import Replay
from tests.support.progress import record

ROWS, BEST_OF = 40, 8
GAIN = StopSettings.model_validate({"rule": "expected_gain", "gain": 0.3, "waves": 1})


def row(number: int, generators: tuple[str | None, ...] = (None,)) -> RecordedRow:
    """Eight candidates whose rewards differ more between rows than within."""
    drawn = random.Random(number)
    level = drawn.gauss(0, 3)
    held = [record(i, level + drawn.gauss(0, 0.2), tokens=10 + i) for i in range(BEST_OF)]
    return RecordedRow(
        Request.from_prompt("x", best_of=BEST_OF, id=str(number)),
        tuple(
            dataclasses.replace(
                each,
                candidate=dataclasses.replace(
                    each.candidate,
                    generator=generators[each.index % len(generators)],
                    mean_logprob=-0.1 * (1 + each.index),
                ),
            )
            for each in held
        ),
    )


RUN = [row(number) for number in range(ROWS)]
RIGHT = [dict.fromkeys(range(BEST_OF), True) for _ in range(ROWS)]


async def live(*, learns: bool) -> float:
    """Mean tokens where requests follow each other, as in serving."""
    key = build_answer_key(Plan(1, SelectorSettings()).answer_key)
    selector = build_selector(SelectorSettings(name="argmax"), key)
    parts = dict(stopping(GAIN, Readable.of(key, rewards=True)))
    policy = Policy("best_rejected", **parts)
    spent = 0
    for number, each in enumerate(RUN):
        drawn = random.Random(f"0 {number}").sample(each.candidates, BEST_OF)
        pipeline = Replay(drawn).pipeline(selector, policy)
        ranking = await best_of_n(each.request, pipeline)
        spent += ranking.usage.completion_tokens or 0
        if not learns:
            policy = Policy("best_rejected", **dict(stopping(GAIN, Readable.of(key, rewards=True))))
    return spent / ROWS


async def replayed(draws: int) -> float:
    plan = Plan(BEST_OF, SelectorSettings(name="argmax"), GAIN)
    found = [each async for each in outcomes(RUN, RIGHT, [plan], draws=draws)]
    return found[0].tokens


async def test_expected_gain_learns_in_a_replay_what_it_would_have_learnt_live() -> None:
    assert await replayed(1) == pytest.approx(await live(learns=True))
    assert await live(learns=True) != pytest.approx(await live(learns=False), rel=0.05)


async def test_each_draw_learns_from_the_beginning() -> None:
    """Else the second draw of a row would have seen that row's own rewards."""
    assert await replayed(3) == pytest.approx(await live(learns=True), rel=0.25)


def test_rules_that_read_logprobs_are_not_compared_over_several_generators() -> None:
    rows = [
        dataclasses.replace(
            each, candidates=tuple(dataclasses.replace(c, reward=None) for c in each.candidates)
        )
        for each in (row(0, ("small", "large")), row(1, ("small", "large")))
    ]
    assert mixed(rows)
    assert prior_of(rows) is None
    rules = {plan.stop.rule for plan in stopping_plans(rows, BEST_OF)}
    assert rules == {"accepted", "agreement"}
