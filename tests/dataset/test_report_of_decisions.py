"""The report of what was decided: confidence, stopping, suspicion, generators, and its bounds."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from plotly.offline import get_plotlyjs
from typer.testing import CliRunner

from benchmarks.report_size import make, row
from bestofn.cli import app
from bestofn.core.ranking import Ranking, ScoredCandidate
from bestofn.core.types import Candidate, Rejection, Request, Stopped
from bestofn.dataset.prompts.rows import Row
from bestofn.dataset.report.decisions import WENT_ON
from bestofn.dataset.report.document import EXCERPT, excerpt, said
from bestofn.dataset.report.findings import SAMPLED, findings
from bestofn.dataset.report.page import write_report
from bestofn.dataset.store.manifest import Manifest
from bestofn.dataset.store.records import Record, record_of
from tests.dataset.test_formats import record
from tests.support.browsing import browser_tab

pytestmark = pytest.mark.long

DOUBT = Rejection("truncation", "no_end", "it may be cut", certain=False)


def ranking(**changes: Any) -> Ranking:
    """Two finished candidates, the suspected one second, and one that was aborted."""
    held = (
        ScoredCandidate(Candidate(0, said_as("a"), "stop", 10), reward=1.0, rank=1),
        ScoredCandidate(Candidate(1, said_as("b"), "stop", 20), (DOUBT,), reward=2.0, rank=2),
        ScoredCandidate(
            Candidate(2, said_as("c"), "abort", 5), failure=Stopped("evidence", "not finished")
        ),
    )
    return Ranking(Request.from_prompt("x", best_of=4), held, **changes)


def said_as(text: str) -> dict[str, Any]:
    return {"role": "assistant", "content": text}


def kept(made: Ranking) -> Record:
    return record_of(Row(0, "a.jsonl:1", "k", made.request), made)


def test_a_record_keeps_which_rule_stopped_it_what_was_aborted_and_what_it_saved() -> None:
    stopped = json.loads(kept(ranking(stopped_by="evidence"))["stopped"])
    assert stopped == {
        "rule": "evidence",
        "sampled": 3,
        "aborted": {"evidence": 1},
        "tokens_saved": 25,  # fifteen on average: one never began, one had five of them
    }
    assert kept(Ranking(ranking().request, ranking().candidates[:2]))["stopped"] is None


def test_decisions_are_counted_by_rule_reason_bin_and_generator() -> None:
    ended, went_on = kept(ranking(stopped_by="evidence", confidence=1.0)), kept(ranking())
    by_two = record([1.0, 2.0], selector="vote", confidence=0.52)
    for each, name in zip(by_two["candidates"], ("small", "large"), strict=True):
        each["generator"] = name
    found = findings([ended, went_on, by_two]).decisions
    assert {name: (of.rows, of.sampled) for name, of in found.rules.items()} == {
        "evidence": (1, 3),
        WENT_ON: (1, 3),
    }
    assert found.aborted == {"evidence": 2}
    assert (found.suspicions["no_end"].candidates, found.suspicions["no_end"].won) == (2, 0)
    assert (found.confidences[19], found.confidences[10], found.confident) == (1, 1, 2)
    assert found.mean_confidence == pytest.approx(0.76)
    assert found.at_least(11) == 1
    assert {name: of.won for name, of in found.generators.items()} == {"small": 0, "large": 1}


def test_what_a_rule_stopped_is_told_apart_from_what_failed() -> None:
    made = findings([kept(ranking(stopped_by="evidence"))])
    assert made.kinds["stopped"] == {"evidence": 1}
    assert made.kinds["failed"] == {}


def test_a_rejected_answer_that_a_policy_returned_is_no_win() -> None:
    fallback = record([1.0], fallback="best_rejected")
    fallback["candidates"][0]["generator"] = "small"
    assert findings([fallback]).decisions.generators["small"].won == 0


def page_of(folder: Path, records: Iterator[Record] | list[Record]) -> str:
    manifest = Manifest(config={}, rows_per_shard=1)
    return write_report(folder, manifest, findings(records)).read_text(encoding="utf-8")


def test_sections_without_anything_to_tell_are_left_out(tmp_path: Path) -> None:
    plain = page_of(tmp_path, [record([1.0, 2.0])])
    assert not [name for name in ("Stopping<", "Suspicion<", "Confidence of") if name in plain]
    full = page_of(tmp_path, [kept(ranking(stopped_by="evidence", confidence=0.9))])
    assert all(f"{name}</h2>" in full for name in ("Stopping", "Suspicion"))
    assert "Confidence of the winners</h2>" in full


def test_a_page_of_many_rows_and_long_texts_is_bounded(tmp_path: Path) -> None:
    long = [record([1.0, 2.0 + i], ["x" * 100_000] * 2, row=i) for i in range(20)]
    code = len(get_plotlyjs())
    assert len(page_of(tmp_path, long)) - code < 150_000
    rows = [row(number, 8) for number in range(900)]
    assert len(page_of(tmp_path, rows)) - code < 200_000
    found = findings(rows)
    assert found.accepted.seen > SAMPLED
    assert len(found.accepted.values) == SAMPLED


def test_what_cannot_be_compared_says_why_and_the_report_is_there(tmp_path: Path) -> None:
    make(tmp_path / "run", 3, 1)  # one candidate a row
    done = CliRunner().invoke(app, ["report", str(tmp_path / "run")])
    assert done.exit_code == 0, done.output
    page = (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    assert "They could not be compared: no row has two finished candidates" in page
    CliRunner().invoke(app, ["report", str(tmp_path / "run"), "--replayed", "0"])
    page = (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    assert "could not be compared" not in page


def test_an_excerpt_says_how_much_is_missing() -> None:
    assert excerpt("x" * EXCERPT) == "x" * EXCERPT
    assert excerpt("x" * (EXCERPT + 1_234)).endswith("x … (1,234 more characters)")


def test_cells_read_as_a_person_writes_them() -> None:
    assert [said(each) for each in (1234567, 0.12345, float("nan"), None, "a", 98765.4)] == [
        "1,234,567",
        "0.123",
        "–",
        "–",
        "a",
        "98,765",
    ]


@pytest.fixture
def reported(tmp_path: Path) -> Path:
    """The page of a run of which there is everything to tell."""
    make(tmp_path / "run", 60, 8)
    done = CliRunner().invoke(app, ["report", str(tmp_path / "run"), "--replayed", "6"])
    assert done.exit_code == 0, done.output
    return tmp_path / "run" / "report.html"


@pytest.mark.browser
async def test_a_browser_shows_every_section_of_a_run_with_all_of_them(reported: Path) -> None:
    async with browser_tab(viewport={"width": 390, "height": 800}) as tab:
        await tab.page.goto(reported.as_uri())
        await tab.page.wait_for_selector(".plotly-graph-div .main-svg")
        titles = await tab.page.eval_on_selector_all(
            "h2", "all => all.map(each => each.textContent)"
        )
        missing = await tab.page.eval_on_selector_all(
            "nav a", "all => all.filter(each => !document.querySelector(each.hash)).length"
        )
        drawn = await tab.page.eval_on_selector_all(
            ".plotly-graph-div", "all => all.map(each => each.querySelectorAll('.main-svg').length)"
        )
    assert {
        "Confidence of the winners",
        "Stopping",
        "Suspicion",
        "Which generator won",
        "What more candidates give",
        "Accuracy against tokens",
        "Selectors and stopping rules",
        "Where the choice was clearest",
    } <= set(titles)
    assert "Rows with fewer candidates are left out: 2." in reported.read_text(encoding="utf-8")
    assert all(drawn)
    assert missing == 0
    assert tab.faults == []
    assert [url for url in tab.asked if not url.startswith("file:")] == []
