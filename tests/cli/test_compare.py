"""`bestofn compare` over a run that fakes made: no model, nothing sampled again."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from bestofn.cli import app
from bestofn.core.types import Request
from bestofn.dataset.prompts.rows import Defaults, Row, read_row
from bestofn.dataset.run.local import run
from bestofn.dataset.run.options import RunOptions
from bestofn.dataset.store.manifest import Manifest
from bestofn.dataset.store.store import Store
from bestofn.settings.settings import Settings
from bestofn.testing import FakeCompletion
from tests.support import dataset_fakes as fakes

ROWS, BEST_OF = 8, 8

pytestmark = pytest.mark.long


def answer(request: Request, index: int) -> FakeCompletion:
    """Right in six of ten candidates, and of different length."""
    number = fakes.drawn(request.last_user_text, index)
    said = 7 if number % 10 < 6 else number % 10
    return FakeCompletion(f"{'so ' * (number % 9)}the answer is {said}.")


def row(number: int) -> Row:
    record = {"prompt": f"question {number}", "reference": "the answer is 7."}
    defaults = Defaults(BEST_OF, seed=1)
    return read_row(number, f"prompts.jsonl:{number + 1}", record, {}, defaults)


def sampled(made: Path, script: Callable[[Request, int], FakeCompletion]) -> Path:
    """A run of eight rows with eight candidates each."""

    async def sample() -> None:
        with contextlib.closing(Store.open(made, fakes.CONFIG)) as store:
            await run(map(row, range(ROWS)), store, fakes.pipeline(script), RunOptions())

    asyncio.run(sample())
    return made


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return sampled(tmp_path_factory.mktemp("run") / "run", answer)


def uncounted_from(first: int) -> Callable[[Request, int], FakeCompletion]:
    """The same answers, whose tokens nobody counted in the rows from this one on."""

    def script(request: Request, index: int) -> FakeCompletion:
        counted = int(request.last_user_text.split()[-1]) < first
        return dataclasses.replace(answer(request, index), counted=counted)

    return script


def compared(folder: Path, *flags: str) -> Any:
    arguments = ["compare", str(folder), "--draws", "1", "--best-of", "2", "--best-of", "8"]
    return CliRunner().invoke(app, [*arguments, *flags], env={"COLUMNS": "200"})


@pytest.fixture(scope="module")
def told(folder: Path) -> tuple[Any, str]:
    """What is printed as JSON, and the page."""
    page = folder.parent / "compared.html"
    done = compared(folder, "--json", "--budget", "tokens=0.6", "--html", str(page))
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout), page.read_text(encoding="utf-8")


def test_every_selector_and_rule_is_compared_by_the_references(told: tuple[Any, str]) -> None:
    said, _ = told
    assert (said["graded_by"], said["rows"]) == ("reference", ROWS)
    whole = {
        (each["selector"], each["best_of"]): each
        for each in said["outcomes"]
        if "rule" not in each["stop"]
    }
    assert whole["vote", 8]["accuracy"] >= whole["vote", 2]["accuracy"]
    assert whole["vote", 8]["sampled"] == 8
    rules = {each["stop"]["rule"] for each in said["outcomes"] if "rule" in each["stop"]}
    assert rules == {"accepted", "agreement", "evidence", "plateau", "expected_gain", "reward"}
    stopped = [each for each in said["outcomes"] if "rule" in each["stop"]]
    assert all(each["tokens"] <= whole["auto", 8]["tokens"] for each in stopped)
    assert any(each["sampled"] < 8 for each in stopped)


def test_the_profile_within_a_budget_is_one_that_the_settings_take(folder: Path) -> None:
    done = compared(folder, "--budget", "tokens=0.6")
    assert done.exit_code == 0, done.output
    text = done.output[done.output.index("profiles:") :]
    settings = Settings.model_validate(yaml.safe_load(text))
    profile = settings.profiles["recommended"]
    assert profile.best_of in (2, 8)
    assert profile.selector is not None


def test_the_profile_stands_in_the_json_where_that_is_asked_for(told: tuple[Any, str]) -> None:
    said, _ = told
    assert said["recommended"]["best_of"] in (2, 8)


def test_the_page_has_its_curves_and_asks_no_other_host(told: tuple[Any, str]) -> None:
    _, text = told
    assert "Accuracy against tokens" in text
    assert 'src="http' not in text


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (("--budget", "tokens"), "is not like tokens=0.4"),
        (("--budget", "seconds=0.5"), "is not like tokens=0.4"),
        (("--budget", "tokens=0.0001"), "nothing that was compared keeps"),
        (("--check", "nothing"), "no verifier is called 'nothing'"),
        (("--html", "/no/such/folder/page.html"), "there is no such folder"),
    ],
)
def test_bad_input_is_one_sentence_and_exit_code_2(
    folder: Path, flags: tuple[str, str], said: str
) -> None:
    done = compared(folder, *flags)
    assert done.exit_code == 2
    assert said in done.output
    assert "Traceback" not in done.output


def test_a_run_with_fewer_candidates_than_asked_for_says_how_many_there_are(folder: Path) -> None:
    done = CliRunner().invoke(app, ["compare", str(folder), "--best-of", "32"])
    assert done.exit_code == 2
    assert "holds 8 candidates a row at most" in done.output


def with_answer_key(folder: Path, tmp_path: Path, **answer_key: Any) -> Path:
    """A copy of the run, begun with this answer key."""
    copy = tmp_path / "run"
    shutil.copytree(folder, copy)
    manifest = Manifest.read(copy)
    assert manifest is not None
    manifest.config["answer_key"] = answer_key
    manifest.write(copy)
    return copy


def test_the_runs_own_answer_key_is_compared_and_another_may_be_told(
    folder: Path, tmp_path: Path
) -> None:
    own = with_answer_key(folder, tmp_path, name="choice", options={})
    done = compared(own)
    assert (done.exit_code, "no row could be graded by reference" in done.output) == (2, True)
    told = compared(own, "--answer-key", "number", "--budget", "tokens=0.9")
    assert told.exit_code == 0, told.output
    text = told.output[told.output.index("profiles:") :]
    profile = Settings.model_validate(yaml.safe_load(text)).profiles["recommended"]
    assert profile.answer_key is not None
    assert profile.answer_key.name == "number"


def test_stopping_rules_are_compared_with_the_selector_that_is_told(folder: Path) -> None:
    chosen = "{weighted_vote: {temperature: 0.5}}"
    key = ("--answer-key", "number")  # the prompts do not ask for one
    done = compared(folder, "--json", "--selector", chosen, *key, "--budget", "tokens=0.6")
    assert done.exit_code == 0, done.output
    said = json.loads(done.stdout)
    stopped = {each["selector"] for each in said["outcomes"] if "rule" in each["stop"]}
    assert stopped == {"weighted_vote"}
    assert said["recommended"]["selector"] in ({"weighted_vote": {"temperature": 0.5}}, "auto")


def test_a_function_that_a_folder_names_is_not_run(folder: Path, tmp_path: Path) -> None:
    own = with_answer_key(folder, tmp_path, name="custom", options={"path": "os:system"})
    done = compared(own)
    assert done.exit_code == 2
    assert "what a folder names is not run: name it with --answer-key" in done.output


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (("--selector", "best"), "no selector is called 'best'"),
        (("--selector", "{vote: {temperature: 1}}"), "there is no option temperature"),
        (("--answer-key", "key"), "no answer key is called 'key'"),
        (("--answer-key", "{pattern: [}"), "{pattern: [}"),
    ],
)
def test_a_wrong_selector_or_answer_key_is_one_sentence(
    folder: Path, flags: tuple[str, str], said: str
) -> None:
    done = compared(folder, *flags)
    assert (done.exit_code, said in done.output) == (2, True), done.output


def test_pass_maj_and_rm_at_k_stand_in_json_table_and_page(
    folder: Path, told: tuple[Any, str]
) -> None:
    said, page = told
    assert [each["k"] for each in said["at_k"]] == [1, 2, 4, 8]
    passes = [each["pass"]["value"] for each in said["at_k"]]
    assert passes == sorted(passes)
    assert all(each["maj"] and each["rm"] for each in said["at_k"])
    assert all(each["rm"]["value"] <= each["pass"]["value"] for each in said["at_k"])
    assert said["over_optimisation"]["most"] == 8
    assert said["length"]["reward"] is not None
    assert all(each in page for each in ("pass@k", "maj@k", "rm@k", "Length against reward"))


@pytest.mark.parametrize("budget", ["tokens=0.01", "steps=0.5"])
def test_a_share_of_what_nobody_counted_is_refused(tmp_path: Path, budget: str) -> None:
    made = sampled(tmp_path / "run", uncounted_from(0))
    done = compared(made, "--budget", budget)
    assert done.exit_code == 2
    assert "the run does not tell the tokens of its candidates" in done.output
    assert "Traceback" not in done.output


def test_costs_that_nobody_counted_are_null_and_have_no_curves(tmp_path: Path) -> None:
    made, page = sampled(tmp_path / "run", uncounted_from(0)), tmp_path / "page.html"
    done = compared(made, "--json", "--html", str(page))
    assert done.exit_code == 0, done.output
    outcomes = json.loads(done.stdout)["outcomes"]
    assert {(each["tokens"], each["steps"]) for each in outcomes} == {(None, None)}
    assert all(each["accuracy"] is not None for each in outcomes)
    assert "there are no costs" in done.stderr
    text = page.read_text(encoding="utf-8")
    assert "there are no costs" in text
    assert "Accuracy against" not in text


def test_rows_that_nobody_counted_take_no_part_in_the_costs(tmp_path: Path) -> None:
    done = compared(sampled(tmp_path / "run", uncounted_from(5)), "--budget", "tokens=0.9")
    assert done.exit_code == 0, done.output
    assert "tokens were not counted are left out of costs: 3." in done.output
    assert "recommended" in done.output
