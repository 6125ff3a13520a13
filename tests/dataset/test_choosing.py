"""What a run keeps of how winners were chosen: keys, logprobs, the rule, and its confidence."""

from __future__ import annotations

import contextlib
from pathlib import Path

from typer.testing import CliRunner

from bestofn.builders.choosing import build_selector
from bestofn.cli import app
from bestofn.control.policy import Policy
from bestofn.core.pipeline import Pipeline
from bestofn.core.types import Request
from bestofn.dataset.run.local import run
from bestofn.dataset.run.options import RunOptions
from bestofn.dataset.store.rollouts import read_rollouts
from bestofn.dataset.store.store import Store
from bestofn.settings.sections import SelectorSettings
from bestofn.testing import FakeCompletion, FakeGenerator
from tests.support import dataset_fakes as fakes


def _answer(request: Request, index: int) -> FakeCompletion:
    """Of the first question three of four say 8, of any other all say something else."""
    first = request.last_user_text == "question 0"
    return FakeCompletion("It is 8." if first and index else f"number {index + 4} it is")


async def test_records_keep_what_a_replay_needs_and_exports_keep_what_is_sure(
    tmp_path: Path,
) -> None:
    selector = build_selector(SelectorSettings())
    pipeline = Pipeline(FakeGenerator(_answer), selector, (), None, Policy("error"))
    with contextlib.closing(Store.open(tmp_path, fakes.CONFIG)) as store:
        await run(fakes.rows(2), store, pipeline, RunOptions(in_flight=2))
    sure, unsure = read_rollouts(tmp_path)
    assert (sure["selector"], sure["confidence"]) == ("weighted_vote", 0.75)
    keys = [each["answer_key"] for each in sure["candidates"]]
    assert keys == ["number 4 it is", "8", "8", "8"]
    assert [each["rank"] for each in sure["candidates"]] == [4, 1, 2, 3]
    assert {each["mean_logprob"] for each in sure["candidates"]} == {None}
    assert unsure["confidence"] == 0.25
    done = CliRunner().invoke(
        app, ["export", str(tmp_path), "--format", "ranked", "--min-confidence", "0.5"]
    )
    assert done.exit_code == 0, done.output
    assert "confidence of at least 0.5" in (tmp_path / "README.md").read_text(encoding="utf-8")
