"""Recorded runs of the benchmarks: what is kept of a candidate, and the tables made of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import choosing, stopping
from benchmarks.recorded_run import Prompt, Recorded, Run, asked, has_rewards, read, write


def _said(text: str, mean_logprob: float, *, right: bool) -> Recorded:
    return Recorded(text, "stop", len(text), False, False, None, mean_logprob, right)


def _prompts() -> list[Prompt]:
    """Two prompts: agreement is right in both, the first candidate in one."""
    wrong, right = _said("It is Rome.", -1.5, right=False), _said("Paris.", -0.2, right=True)
    other = _said("Lyon, I think.", -1.9, right=False)
    return [
        Prompt("Capital of France?", "capital en", (wrong, right, other, right)),
        Prompt("And its largest city?", "capital en", (right, wrong, right, other)),
    ]


def test_a_record_comes_back_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "run.gz"
    assert read(path) == []
    write(path, _prompts()[:1])
    write(path, _prompts()[1:])
    assert read(path) == _prompts()
    assert not has_rewards(_prompts())


async def test_a_record_of_something_else_is_not_gone_on_with(tmp_path: Path) -> None:
    path = tmp_path / "run.gz"
    write(path, _prompts())
    with pytest.raises(SystemExit, match="holds another run"):
        await Run(None, 3, 4, 0, "vllm").record(path)
    assert read(path) == _prompts()


async def test_a_whole_record_is_not_sampled_again(tmp_path: Path) -> None:
    path = tmp_path / "run.gz"
    said = (_said("Paris.", -0.2, right=True),)
    write(path, [Prompt(each.prompt, each.kind, said) for each in asked(2)])
    await Run(tmp_path / "no model", 2, 4, 0, "vllm").record(path)
    assert len(read(path)) == 2


async def test_choosing_tells_how_auto_does_beside_the_first(
    capsys: pytest.CaptureFixture[str],
) -> None:
    await choosing.report(_prompts(), 1)
    told = capsys.readouterr().out
    assert "| first | 50.0 |" in told
    assert "| auto without | 100.0 |" in told
    assert "| auto without, over the first | 2.00 ± 4.00 |" in told
    assert "argmax" not in told, "nothing scores"


async def test_stopping_tells_what_a_rule_spares(capsys: pytest.CaptureFixture[str]) -> None:
    await stopping.measure(_prompts(), 4, 1, scored=False)
    told = capsys.readouterr().out
    rows = [line for line in told.splitlines() if line.startswith("| auto, accepted count 1 ")]
    assert "2 prompts, 1 draws each, best of 4, without rewards" in told
    assert [row.split(" | ")[1] for row in rows] == ["all at once"]
    assert float(rows[0].split(" | ")[4]) < 1


def test_short_answers_are_asked_for_behind_examples() -> None:
    plain, short = asked(60, ("en", "es")), asked(60, ("en", "es"), short=True)
    assert [each.prompt for each in plain] == [each.prompt for each in short]
    assert not any(each.before for each in plain)
    assert {each.before[1]["content"] for each in short} == {"Reykjavik", "Reikiavik"}
