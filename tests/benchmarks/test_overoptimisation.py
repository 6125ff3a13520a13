"""Over-optimisation: rewards made worse as said, chosen with the product's selectors, and drawn."""

from __future__ import annotations

import statistics
import xml.etree.ElementTree as ET

import pytest

from benchmarks.line_charts import Chart, draw
from benchmarks.overoptimisation import SCENARIOS, SELECTORS, Scenario, charts, outcomes
from benchmarks.recorded_run import Prompt, Recorded


def prompt(number: int) -> Prompt:
    """One right answer in short words, which the reward likes best, and longer wrong ones."""
    given = [("It is 3.", 4, 2.0, True)] * 3
    given += [(f"It is {at + 4}, and more of it.", 9 + at, -float(at), False) for at in range(5)]
    candidates = tuple(
        Recorded(
            text,
            "stop",
            tokens,
            suspected=False,
            rejected=False,
            reward=reward,
            mean_logprob=None,
            right=right,
        )
        for text, tokens, reward, right in given
    )
    return Prompt(f"What is {number}?", "made", candidates)


PROMPTS = [prompt(number) for number in range(8)]


async def test_a_bias_to_length_is_what_argmax_falls_for_and_agreement_does_not() -> None:
    as_it_is = await outcomes(PROMPTS, SCENARIOS[0], 8, 1)
    every = (*SELECTORS, "ensemble", "oracle")
    assert {name: statistics.fmean(values) for name, values in as_it_is.items()} == dict.fromkeys(
        every, 1.0
    )
    biased = await outcomes(PROMPTS, Scenario("long", length=3.0), 8, 1)
    assert statistics.fmean(biased["argmax"]) == 0.0
    assert statistics.fmean(biased["best_of_majority"]) == 1.0
    assert statistics.fmean(biased["oracle"]) == 1.0


def test_rewards_are_worse_by_so_many_deviations_and_the_same_each_time() -> None:
    one = PROMPTS[0]
    given = [each.reward for each in one.candidates if each.reward is not None]
    assert SCENARIOS[0].worse(one) == given
    noisy = Scenario("noise", noise=1.0, draw=lambda drawn: 1.0)
    added = [a - b for a, b in zip(noisy.worse(one), given, strict=True) if a is not None]
    assert added == pytest.approx([statistics.pstdev(given)] * 8)
    noise = Scenario("noise", noise=1.0)
    assert noise.worse(one) == noise.worse(one)
    assert noise.worse(one) != noise.worse(one, "another member")


async def test_the_charts_are_drawn_with_a_line_for_each_way(
    capsys: pytest.CaptureFixture[str],
) -> None:
    made = await charts(PROMPTS, 1)
    assert [each.title for each in made] == [each.title for each in SCENARIOS]
    assert "| argmax |" in capsys.readouterr().out
    drawn = ET.fromstring(draw(made, "N", "right, %"))
    texts = [each.text for each in drawn.iter("{http://www.w3.org/2000/svg}text")]
    for expected in (*SELECTORS, "ensemble", "oracle", *(each.title for each in SCENARIOS)):
        assert expected in texts


def test_a_chart_puts_its_points_where_its_axes_say() -> None:
    drawn = ET.fromstring(draw([Chart("t", [1, 2, 4], {"a": [0.0, 10.0, 20.0]})], "N", "%"))
    (line,) = [
        each.attrib["points"]
        for each in drawn.iter("{http://www.w3.org/2000/svg}polyline")
        if each.attrib["points"].count(",") == 3
    ]
    (x1, y1), (x2, y2), (x3, y3) = (map(float, point.split(",")) for point in line.split())
    assert x2 - x1 == pytest.approx(x3 - x2, abs=0.2), "N doubles from one to the next"
    assert y1 - y2 == pytest.approx(y2 - y3, abs=0.2)
    assert y1 > y3, "higher is better"
